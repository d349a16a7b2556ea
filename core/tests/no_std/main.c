// Links the library and uses it: cc main.c libtimtow_no_std.a && ./a.out
#include <stdio.h>
#include <string.h>

size_t timtow_echo(unsigned char *input, size_t len, unsigned char *output, size_t room);

int main(void) {
    // A request (RFC 6455 1.2), and behind it the masked "Hello" of RFC 6455 5.7.
    static const char request[] =
        "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    unsigned char input[sizeof request - 1], output[1000];
    memcpy(input, request, sizeof input);
    size_t n = timtow_echo(input, sizeof input, output, sizeof output);
    if (n < 7 || memcmp(output + n - 7, "\x81\x05Hello", 7) != 0) {
        fprintf(stderr, "no echo in %zu bytes\n", n);
        return 1;
    }
    return 0;
}
