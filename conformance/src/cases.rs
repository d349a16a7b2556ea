//! Which cases there are, and in which ways each is run.

/// What holds in every way.
#[doc(hidden)]
#[macro_export]
macro_rules! wire_cases {
    ($module:ident, $loop:ident, $way:expr) => {
        $crate::tests! { $module, $loop, $way;
            section_5_framing:
                every_length_is_echoed,
                the_limit_of_a_message,
                the_limit_of_a_frame,
                absurd_lengths,
                lengths_that_are_not_minimal,
                reserved_bits,
                reserved_opcodes,
                masks_of_the_wrong_side,
                what_follows_a_violation_is_not_heard,
                many_frames_in_one_write,
                frames_byte_by_byte,
                connections_share_no_state,
                a_large_frame_in_pieces,
                a_cut_header_is_no_violation;
            section_5_4_fragmentation:
                fragments_make_a_message,
                any_number_of_fragments,
                control_frames_between_fragments,
                a_close_frame_between_fragments,
                a_continuation_of_nothing,
                a_message_inside_of_another,
                a_control_frame_in_fragments,
                the_limit_of_fragments;
            section_5_5_control:
                pings_are_answered_in_order,
                pings_of_the_application,
                pongs_are_not_answered,
                long_control_frames,
                a_flood_of_pings,
                no_pong_after_close;
            section_7_closing:
                a_close_frame_is_answered,
                a_close_frame_without_a_code,
                close_codes_that_must_not_be_sent,
                half_a_close_code,
                the_longest_reason,
                the_server_ends_the_transport,
                the_endpoint_closes_first,
                both_close_at_once,
                an_end_without_a_close_frame,
                a_peer_that_half_closed_is_answered,
                the_close_frame_reaches_a_peer_that_sends;
            section_8_1_utf8:
                text_that_is_not_utf8,
                text_that_is_utf8,
                the_first_bad_byte_is_enough,
                a_reason_that_is_not_utf8;
            vectors:
                frames,
                events;
            more_vectors:
                frames_of_our_own;
            rfc7692:
                messages_are_inflated_and_compressed,
                compressed_fragments,
                without_takeover,
                small_windows,
                the_bit_where_it_does_not_belong,
                data_that_cannot_be_inflated,
                a_bomb;
            time:
                a_close_frame_that_is_not_answered,
                messages_do_not_move_the_close_deadline,
                a_peer_that_does_not_end_the_transport,
                keep_alive,
                a_missing_pong,
                a_peer_that_stops_reading,
                no_deadline_at_all,
                deadlines_beyond_the_clock;
            backpressure:
                a_reader_that_stops,
                a_slow_reader;
            streaming:
                one_frame_comes_back_as_one,
                fragments_come_back_at_once,
                characters_may_be_cut,
                text_that_turns_out_not_to_be,
                an_end_inside_a_frame,
                megabytes;
            vanish:
                before_the_handshake,
                inside_the_transports_handshake,
                inside_the_handshake,
                open_and_idle,
                inside_a_frame,
                inside_a_fragmented_message,
                with_replies_under_way,
                while_it_closes,
                after_the_closing_handshake,
                after_a_violation;
            ancestors:
                messages_that_perl_takes_for_false,
                control_frames_are_no_messages,
                one_connection_does_not_end_others,
                writing_to_a_peer_that_is_gone;
            drafts:
                every_draft_echoes,
                however_the_bytes_are_cut,
                the_endpoint_closes_a_draft,
                an_end_inside_of_a_frame,
                the_limits_hold;
            draft_vectors:
                frames_of_the_drafts;
        }
    };
}

/// What holds for servers, until the opening handshake is done.
#[doc(hidden)]
#[macro_export]
macro_rules! server_cases {
    ($module:ident, $loop:ident, $way:expr) => {
        $crate::tests! { $module, $loop, $way;
            section_4_2_server_handshake:
                a_request_is_answered,
                frames_behind_the_request,
                a_connection_in_one_segment,
                a_request_byte_by_byte,
                heads_over_the_limits,
                the_first_byte_is_no_request,
                a_refusal_ends_the_connection,
                a_second_request_is_not_answered,
                a_refusal_reaches_a_client_that_sends,
                the_subprotocol_is_the_servers_choice,
                the_origin_is_checked;
            vectors:
                handshakes,
                accepts,
                requests;
            more_vectors:
                requests_of_our_own;
            rfc7692:
                offers_are_answered;
            time:
                a_silent_client,
                a_client_that_trickles;
            drafts:
                keys_are_answered,
                a_draft_that_is_off,
                keys_without_a_number,
                the_origin_of_a_draft;
            draft_vectors:
                requests_of_the_drafts;
        }
    };
}

/// What holds for clients.
#[doc(hidden)]
#[macro_export]
macro_rules! client_cases {
    ($module:ident, $loop:ident, $way:expr) => {
        $crate::tests! { $module, $loop, $way;
            section_4_1_client_handshake:
                the_request,
                frames_behind_the_answer,
                a_connection_in_one_segment,
                an_answer_byte_by_byte,
                answers_that_must_fail,
                another_status,
                no_answer,
                other_urls,
                nobody_listens,
                the_target_of_a_url,
                what_the_caller_adds,
                what_cannot_be_asked_for;
            redirects:
                on_the_same_origin,
                to_another_origin,
                only_on_request,
                at_most_ten,
                to_where_must_not_be_gone,
                to_where_nobody_listens,
                what_fails_behind_one;
            section_5_framing:
                no_two_masks_are_alike;
            vectors:
                responses;
            more_vectors:
                responses_of_our_own;
            rfc7692:
                answers_to_the_offer;
            time:
                a_server_that_does_not_answer;
            drafts:
                answers_of_a_draft_that_must_fail;
            draft_vectors:
                responses_of_the_drafts;
        }
    };
}

/// What holds for who answers a request by itself.
#[doc(hidden)]
#[macro_export]
macro_rules! answer_cases {
    ($module:ident, $loop:ident, $way:expr) => {
        $crate::tests! { $module, $loop, $way;
            answer:
                an_answer_with_a_cookie,
                a_rejection_with_a_body,
                an_answer_that_cannot_be_sent,
                a_page_on_request,
                no_page_without_a_request_for_it;
        }
    };
}

/// What only a transport does.
#[doc(hidden)]
#[macro_export]
macro_rules! transport_cases {
    ($module:ident, $loop:ident, $way:expr) => {
        $crate::tests! { $module, $loop, $way;
            transport:
                its_handshake_comes_first,
                another_protocol,
                garbage_in_an_open_connection,
                its_deadline_ends_the_connection,
                it_speaks_by_itself;
        }
    };
}

/// What holds for whole servers.
#[doc(hidden)]
#[macro_export]
macro_rules! app_cases {
    ($module:ident, $loop:ident, $way:expr) => {
        $crate::tests! { $module, $loop, $way;
            app:
                callbacks_come_in_order,
                close_is_called_once,
                a_greeting_in_open,
                a_handler_that_closes,
                several_loops,
                a_closure_for_many_connections,
                a_handler_that_sends_much;
            app_handshake:
                the_request_is_seen,
                the_answer_is_the_applications,
                cookies_go_both_ways,
                a_rejection,
                an_answer_that_cannot_be_sent,
                too_many_connections;
            app_panic:
                a_callback_that_panics,
                a_handler_that_panics_at_its_end,
                a_request_that_panics,
                a_page_that_panics,
                a_panic_gives_the_seat_back,
                a_panic_while_others_send;
            app_page:
                a_page_on_the_same_port,
                a_plain_get_without_a_page,
                other_methods,
                a_second_request_is_not_read,
                a_large_page,
                a_page_that_cannot_be_sent;
            app_sender:
                a_sender_from_other_threads,
                a_sender_that_closes,
                a_close_that_cannot_be_sent,
                a_sender_of_a_connection_that_ended,
                a_sender_that_is_full;
            app_timer:
                a_timer,
                a_timer_that_is_moved,
                a_timer_of_a_connection_that_ends;
            prepared:
                a_broadcast_in_every_variant;
            slow_consumer:
                an_application_that_waits,
                a_broadcast_that_drops,
                a_slow_consumer_is_closed,
                a_consumer_that_stopped_is_given_up,
                a_sender_that_waits;
            streaming:
                a_sender_does_not_break_into_a_message,
                an_application_sees_pieces;
            drain:
                a_server_without_connections,
                a_drain_that_has_begun,
                every_connection_is_told,
                a_client_that_does_not_answer,
                a_client_that_does_not_read,
                a_connection_that_is_not_open,
                a_new_connection_during_the_drain,
                a_connection_that_is_closing;
        }
    };
}

/// What holds for who receives and sends.
#[doc(hidden)]
#[macro_export]
macro_rules! recv_cases {
    ($module:ident, $loop:ident, $way:expr) => {
        $crate::tests! { $module, $loop, $way;
            recv:
                what_came_before_the_end,
                after_the_end,
                sending_without_receiving,
                a_pong_behind_a_message,
                a_close_that_cannot_be_sent;
            prepared:
                a_socket_sends_what_is_prepared;
            slow_consumer:
                an_offer_that_is_refused;
            streaming:
                whoever_asks_gets_pieces_or_messages,
                pieces_wait_to_be_asked_for;
        }
    };
}

/// What holds for futures that are dropped.
#[doc(hidden)]
#[macro_export]
macro_rules! cancel_cases {
    ($module:ident, $loop:ident, $way:expr) => {
        $crate::tests! { $module, $loop, $way;
            cancel:
                a_dropped_recv,
                a_dropped_send,
                a_dropped_send_loses_no_message;
            streaming:
                a_dropped_recv_fragment;
        }
    };
}

/// What needs a process of its own.
#[doc(hidden)]
#[macro_export]
macro_rules! child_cases {
    ($module:ident, $loop:ident, $way:expr) => {
        mod $module {
            mod ancestors {
                use super::super::$loop;

                #[test]
                fn descriptors_are_given_back() {
                    let test = concat!(module_path!(), "::descriptors_are_given_back");
                    $crate::ancestors::descriptors_are_given_back::<$loop>($way, test);
                }

                #[test]
                fn running_out_of_descriptors() {
                    let test = concat!(module_path!(), "::running_out_of_descriptors");
                    $crate::ancestors::running_out_of_descriptors::<$loop>($way, test);
                }
            }
        }
    };
}
