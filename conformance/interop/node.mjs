// node's `ws` as the peer of timtow.
//
//     node node.mjs client URL PID             talks to the server `timtow serve` at URL, whose process is PID, and
//                                              ends by draining it: the process is sent SIGTERM
//     node node.mjs server TIMTOW RUNTIME      lets `TIMTOW connect URL --runtime RUNTIME` talk to a server of its own
//
// Prints the checks that fail and what was wrong; the last line counts. Exit status 0 if all passed, 1 if not.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { WebSocket, WebSocketServer } from 'ws'

// No check takes long: whoever is not done by now hangs. It is less than the 30 s after which ws drops a connection
// that the peer does not end.
const DEADLINE = 20_000

// Whether timtow was told to compress. The peer always can.
const DEFLATE = Boolean(process.env.TIMTOW_DEFLATE)

const LIMIT = 1 << 20
const SIZES = [0, 1, 125, 126, 65535, 65536, LIMIT]
const UNICODE = 'κόσμε ÿ 𝄞 🦀 \0 \r\n'

// What happens on a connection, as promises: the next message, the next pong, the end.
class Peer {
  constructor(ws) {
    this.ws = ws
    this.arrived = []
    this.waiting = []
    ws.on('message', (data, isBinary) => this.put(isBinary ? data : data.toString()))
    this.closed = new Promise((resolve) => ws.once('close', (code, reason) => {
      resolve([code, reason.toString()])
      for (const { reject } of this.waiting) reject(new Error(`closed with ${code}`))
    }))
    ws.on('error', (error) => { this.error = error })
  }
  put(message) {
    const next = this.waiting.shift()
    if (next) next.resolve(message)
    else this.arrived.push(message)
  }
  message() {
    if (this.arrived.length) return this.arrived.shift()
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }))
  }
  async echo(message) {
    this.ws.send(message)
    same('echo', await this.message(), message)
  }
  async pong(payload) {
    const pong = once(this.ws, 'pong')
    this.ws.ping(payload)
    same('pong', (await pong)[0], Buffer.from(payload))
  }
}

// assert's own comparisons print what they compare, which may be a megabyte.
function same(what, got, expected) {
  const equal = Buffer.isBuffer(expected) ? Buffer.isBuffer(got) && got.equals(expected) : got === expected
  assert.ok(equal, `${what}: ${shorten(got)} where ${shorten(expected)} was due`)
}

function shorten(value) {
  if (typeof value !== 'string' && !Buffer.isBuffer(value)) return String(value)
  const text = Buffer.isBuffer(value) ? value.toString('latin1') : String(value)
  return `${typeof value === 'string' ? 'text' : 'binary'} ${JSON.stringify(text.slice(0, 10))} of ${text.length}`
}

// ---- the client of `timtow serve` ----------------------------------------------------------------------

let url, server

async function open() {
  const ws = new WebSocket(url, { maxPayload: 64 << 20, perMessageDeflate: { threshold: 0 } })
  let response
  ws.once('upgrade', (r) => { response = r })
  const peer = new Peer(ws)
  await once(ws, 'open')
  peer.response = response
  return peer
}

async function finish(peer, ...close) {
  peer.ws.close(...close)
  return await peer.closed
}

const client = {
  async 'the offer of compression is answered'() {
    const peer = await open()
    same('extensions', peer.response.headers['sec-websocket-extensions'], DEFLATE ? 'permessage-deflate' : undefined)
    same('extensions', peer.ws.extensions, DEFLATE ? 'permessage-deflate' : '')
    same('subprotocol', peer.ws.protocol, '')
    await peer.echo('hello')
    await finish(peer)
  },
  async 'text and binary of every size'() {
    const peer = await open()
    for (const size of SIZES) {
      await peer.echo('x'.repeat(size))
      await peer.echo(Buffer.alloc(size, 'any byte \xff', 'latin1'))
    }
    await peer.echo(UNICODE)
    await finish(peer)
  },
  async 'small messages in a pipeline'() {
    const peer = await open()
    for (let n = 0; n < 2000; n++) peer.ws.send(String(n))
    for (let n = 0; n < 2000; n++) same('echo', await peer.message(), String(n))
    await finish(peer)
  },
  async 'large messages in a pipeline'() {
    const peer = await open()
    for (let n = 0; n < 32; n++) peer.ws.send(Buffer.alloc(LIMIT / 4, n))
    for (let n = 0; n < 32; n++) same('echo', await peer.message(), Buffer.alloc(LIMIT / 4, n))
    await finish(peer)
  },
  async 'fragments, with a ping between them'() {
    const peer = await open()
    peer.ws.send('one', { fin: false })
    await peer.pong('between')
    peer.ws.send('', { fin: false })
    peer.ws.send(' two', { fin: true })
    same('text', await peer.message(), 'one two')
    const bytes = Buffer.from(UNICODE)
    bytes.forEach((byte, n) => peer.ws.send(Buffer.of(byte), { binary: false, fin: n === bytes.length - 1 }))
    same('text cut within characters', await peer.message(), UNICODE)
    for (let n = 0; n < 1000; n++) peer.ws.send(Buffer.alloc(1000), { fin: n === 999 })
    same('binary', await peer.message(), Buffer.alloc(1000000))
    await finish(peer)
  },
  async 'pings are answered, an unsolicited pong is ignored'() {
    const peer = await open()
    await peer.pong('')
    await peer.pong('x'.repeat(125))
    peer.ws.pong('nobody asked')
    await peer.echo('still there')
    await finish(peer)
  },
  async 'close codes come back'() {
    for (const close of [[1000], [1000, 'bye'], [1001, 'grüß Gott'], [1011], [3000], [4999, 'r'.repeat(123)]]) {
      const [code] = await finish(await open(), ...close)
      same('close code', code, close[0])
    }
  },
  async 'an empty close comes back empty'() {
    const [code] = await finish(await open())
    same('close code', code, 1005) // the API's word for a close frame without a code
  },
  async 'a message over the limit is 1009'() {
    const peer = await open()
    peer.ws.send(Buffer.alloc(LIMIT + 1))
    same('close code', (await peer.closed)[0], 1009)
  },
  async 'invalid UTF-8 is 1007'() {
    const peer = await open()
    peer.ws.send(Buffer.of(0xce, 0xba, 0xff), { binary: false })
    same('close code', (await peer.closed)[0], 1007)
  },
  // The last check: it ends the server.
  async 'draining closes with 1001'() {
    const peers = [await open(), await open(), await open()]
    await peers[0].echo('x')
    process.kill(server, 'SIGTERM')
    for (const peer of peers) same('close code', (await peer.closed)[0], 1001)
  },
}

// ---- the server of `timtow connect` --------------------------------------------------------------------

let program, runtime

// Runs a check with a running `timtow connect` and the server's side of its connection.
async function meet(check) {
  const listener = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: { threshold: 0 } })
  await once(listener, 'listening')
  const child = spawn(program, ['connect', `ws://127.0.0.1:${listener.address().port}/`, '--runtime', runtime, ...(DEFLATE ? ['--deflate'] : [])])
  let stderr = ''
  child.stderr.on('data', (text) => { stderr += text })
  child.stdin.on('error', () => {}) // it may end before it has read everything
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status) => resolve({ status, stderr }))
  })
  const lines = createInterface({ input: child.stdout, crlfDelay: 0 })[Symbol.asyncIterator]()
  try {
    const arrival = once(listener, 'connection')
    const early = ended.then((end) => { throw new Error(`ended with ${end.status}: ${end.stderr}`) })
    early.catch(() => {})
    const [ws, request] = await Promise.race([arrival, early])
    const line = async () => (await lines.next()).value
    await check({ peer: new Peer(ws), request, child, ended, line })
  } finally {
    child.kill('SIGKILL')
    for (const ws of listener.clients) ws.terminate()
    listener.close()
  }
}

const connect = {
  'lines become messages and messages lines': () => meet(async ({ peer, request, child, line }) => {
    const offer = DEFLATE ? 'permessage-deflate; client_max_window_bits' : undefined
    same('extensions', request.headers['sec-websocket-extensions'], offer)
    for (const text of ['hello', '', '0', 'κόσμε 🦀', ...SIZES.map((size) => 'x'.repeat(size))]) {
      child.stdin.write(text + '\n')
      same('message', await peer.message(), text)
      peer.ws.send(text)
      same('line', await line(), text)
    }
  }),
  'fragments become one line': () => meet(async ({ peer, line }) => {
    peer.ws.send('one', { fin: false })
    await peer.pong('between')
    peer.ws.send(' two', { fin: true })
    same('line', await line(), 'one two')
  }),
  'the end of input closes with 1000': () => meet(async ({ peer, child, ended }) => {
    child.stdin.end('last, without a line end')
    same('message', await peer.message(), 'last, without a line end')
    same('close code', (await peer.closed)[0], 1000)
    same('exit status', (await ended).status, 0)
  }),
  'many messages, then close': () => meet(async ({ peer, ended, line }) => {
    for (let n = 0; n < 2000; n++) peer.ws.send(String(n))
    peer.ws.close(1000, 'bye')
    for (let n = 0; n < 2000; n++) same('line', await line(), String(n))
    same('close code', (await peer.closed)[0], 1000)
    const { status, stderr } = await ended
    same('exit status', status, 0)
    assert.match(stderr, /1000/)
  }),
  'a connection that is cut is unclean': () => meet(async ({ peer, ended }) => {
    peer.ws.terminate()
    const { status, stderr } = await ended
    same('exit status', status, 1)
    assert.match(stderr, /\n/)
  }),
}

// ---- running -------------------------------------------------------------------------------------------

async function run(checks) {
  let failed = 0
  for (const [name, check] of Object.entries(checks)) {
    let timer
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not done after ${DEADLINE / 1000} s`)), DEADLINE)
    })
    try {
      await Promise.race([check(), late])
    } catch (error) {
      failed++
      console.log(`  ${name}: ${error.message} (${/node\.mjs:\d+/.exec(error.stack)?.[0]})`)
    } finally {
      clearTimeout(timer)
    }
  }
  const count = Object.keys(checks).length
  console.log(`${count - failed} of ${count} checks`)
  process.exit(failed ? 1 : 0)
}

const [mode, first, second] = process.argv.slice(2)
if (mode === 'client' && second) {
  url = first
  server = Number(second)
  await run(client)
} else if (mode === 'server' && second) {
  program = first
  runtime = second
  await run(connect)
} else {
  console.error('usage: node.mjs client URL PID | node.mjs server TIMTOW RUNTIME')
  process.exit(2)
}
