//! What must hold on either database, again on PostgreSQL: the very same tests.
//!
//! Never a test of its own. The others need no second run, since a page reads and writes through `office` and `people`, whose own
//! tests run on both; `SERVER_TESTS_ON=postgres cargo test -p server` runs them all there.

macro_rules! again_on_postgres {
    ($($module:ident { $($test:ident),* $(,)? })*) => {$(
        mod $module {
            $(
                #[test]
                fn $test() {
                    crate::scaffold::on_postgres(crate::$module::$test);
                }
            )*
        }
    )*};
}

again_on_postgres! {
    screening {
        a_double_click_screens_once,
        two_people_who_take_one_number_do_not_share_a_subject,
    }
    randomise {
        an_eligible_subject_is_randomised_with_a_confirmation_to_print,
        a_second_click_shows_the_allocation_that_stands,
        nothing_is_drawn_over_a_change_that_was_not_seen,
        the_trial_office_randomises_for_a_site_by_telephone,
        the_seed_is_revealed_once_and_proves_every_allocation,
    }
    entry {
        a_form_is_saved_once_however_often_it_is_sent,
        a_correction_needs_a_reason_and_keeps_what_was_before,
        of_two_people_on_one_form_neither_loses_what_they_typed,
        a_log_entry_that_somebody_else_took_can_be_saved_as_the_next,
        what_was_typed_and_not_saved_is_offered_again,
        a_locked_form_is_read_and_what_was_typed_meanwhile_is_shown,
    }
    queries {
        a_query_goes_round_and_keeps_its_history,
    }
    review {
        several_forms_are_read_and_signed_with_one_password,
        a_correction_voids_the_signature_and_nothing_is_signed_unseen,
        a_form_is_verified_signed_locked_and_unlocked,
    }
    epro {
        a_patient_answers_one_question_at_a_time_and_sends_once,
        answers_are_there_on_another_day_and_another_telephone,
        of_many_sendings_at_once_one_is_recorded,
        taps_that_come_at_once_lose_no_answer,
    }
    roles {
        every_role_at_every_route_is_answered_as_the_table_says,
    }
    log_in {
        a_password_opens_a_session_and_log_out_ends_it,
        what_was_typed_survives_a_session_that_ended,
        a_second_factor_is_set_up_and_then_asked_for,
        a_fresh_server_is_opened_by_its_code_and_by_nothing_else,
    }
    people {
        an_invitation_makes_an_account_with_its_role_once,
        a_forgotten_password_a_lost_phone_and_a_closed_account,
        a_token_is_shown_once_and_revoked,
    }
    trail {
        an_event_stands_with_its_hash_and_the_one_before,
    }
    api {
        every_answer_is_as_the_document_says,
        every_role_at_every_route_is_answered_as_the_table_says,
        a_subject_is_screened_once,
        a_form_is_filled_and_corrected,
        a_form_sent_ten_times_at_once_is_recorded_once,
        of_ten_corrections_at_once_one_is_recorded,
        a_query_is_raised_answered_and_closed,
        a_form_is_verified_and_locked_as_it_was_seen,
    }
}
