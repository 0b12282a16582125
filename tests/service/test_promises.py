"""What the local service promises, claim by claim: which tests prove it.

A test is named by its module, of this folder unless it says ``sdk/`` or ``formats/``, and its function; of the module
``official``, by a check that the official package makes. Claims with a number are those of the wire protocol's
checklist (section 19) and of the acceptance cases for DICOM (section 2 of ``spec/acceptance.md``).
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from proofs import Case

TESTS = Path(__file__).parents[1]
CHECKS = sorted((TESTS / "service/official_sdk/calls").glob("*.py"))

PROMISES = """
it starts on any free port of this machine, says how to connect, and ends when told to
    test_serve_cli: a_user_is_added_and_signs_in_to_the_running_service an_address_that_is_taken_is_told_and_exits_7
    test_page: the_session_of_the_page_works_as_it_stands
    test_app: health_needs_no_key
public keys are registered while it runs; the first one is trusted only if it is told so
    test_serve_cli: a_key_that_is_none_is_told_without_showing_it a_key_is_of_one_user
    test_auth: the_first_key_is_trusted_only_if_so_told_and_only_the_first a_wrong_signature_is_not_trusted_as_the_first
migrations run once, under a lock, after a copy; what is newer, damaged or no database is refused and left as it is
    test_database: processes_that_start_at_once_make_one_database a_migration_takes_a_copy_before
    test_database: a_migration_of_postgresql_copies_its_tables_before a_migration_that_fails_changes_nothing
    test_database: a_newer_database_is_refused_and_left_as_it_is what_is_no_database_is_refused
    test_database: a_damaged_database_is_not_migrated a_database_that_cannot_hold_every_text_is_refused
every query and route has a handler, who may call it is written down, and every recorded request is answered
    test_routes: every_route_is_in_the_table_and_has_a_handler roles_and_scopes_are_let_in_as_the_table_says
    test_routes: nobody_else_is_let_in the_user_endpoint_is_for_users the_younger_half_lets_in_whom_the_table_says
    test_captures: a_recorded_call_gets_replies_the_protocol_accepts every_query_was_recorded_and_has_a_shape
datasets are made, listed by every filter, shared, renamed, emptied
    test_datasets: a_dataset_is_made_listed_and_opened what_another_made_is_as_if_it_were_not
    test_data_rows: rows_are_listed_in_the_order_they_came_and_by_every_condition
    test_data_rows: a_row_is_renamed_and_given_metadata_in_one_go rows_are_deleted_and_what_is_not_there_is_passed_over
    official: list_datasets_by_pattern list_datasets_by_description list_datasets_by_time list_data_rows_with_filters
images, groups, videos and series say of themselves what the files say
    test_uploaded_files: an_image_keeps_its_bytes_and_says_its_size a_video_says_its_size_rate_and_frames
    test_uploaded_files: a_picture_on_its_side_has_the_size_it_is_shown_in the_order_of_a_series_comes_from_the_files
    test_uploaded_files: a_group_has_its_images_in_the_order_given_each_with_its_own_size
ontologies hold every shape and kind of question, are edited through their project, and copied with it
    test_ontologies: an_ontology_is_fetched_as_it_was_made what_is_changed_is_saved_and_dates_are_the_services
    test_ontologies: members_of_a_project_read_its_ontology_and_admins_change_it a_copied_project_has_the_same_ontology
    test_ontologies: the_older_flat_ontology_is_read_and_written
    official: every_shape_and_attribute_is_in_the_ontology list_ontologies_by_each_filter
projects have users with roles, keys with scopes, and copies with datasets, labels, models and collaborators
    test_projects: users_get_roles_also_before_they_have_a_key one_admin_stays labels_are_chosen_by_their_state
    test_projects: a_copy_takes_collaborators_datasets_and_models_along labels_are_chosen_by_hash
    test_projects: cloned_data_is_the_callers_own_and_has_its_labels a_copy_that_cannot_be_made_leaves_nothing
    test_auth: an_api_key_opens_its_dataset_and_no_other every_route_refuses_a_key_without_its_scope
    official: list_projects_by_each_filter a_key_of_logs_reads_logs_and_no_labels
label rows are listed by every filter, begun once, saved in batches, and come back as they were
    test_saved_rows: every_condition_of_the_listing_narrows_it a_row_is_begun_once rows_are_saved_all_or_none
    test_saved_rows: every_shape_and_answer_is_fetched_as_it_was_saved
    test_saved_rows: a_bundle_saves_and_fetches_rows_a_hundred_at_a_time only_labels_of_the_classes_asked_for_come
    official: saved_skeleton_comes_back_as_json nested_answers_come_back dynamic_answers_come_back
    official: tracks_and_dynamic_answers_over_a_video_come_back list_label_rows_by_state_of_shadow_data
statuses, reviews, workflow stages and priorities
    test_saved_rows: a_status_goes_with_a_state_of_the_task a_submitted_row_is_in_review
    test_saved_rows: rows_move_to_the_ends_of_a_workflow_and_back a_project_of_one_kind_has_no_calls_of_the_other
    test_saved_rows: priorities_stand_in_the_listing_also_of_rows_not_begun
label logs are written as labels change; timers count the time between saves
    test_logs: what_came_changed_and_went_is_logged_once_per_save conditions_narrow_the_log
    test_logs: statuses_and_submissions_stand_in_the_log
    test_timers: time_between_saves_counts_up_to_five_minutes pages_hold_every_item_once
boxes, polygons and key points are interpolated, and fitted boxes computed
    test_algorithms: a_box_moves_linearly a_polygon_moves_vertex_by_vertex a_key_point_moves_linearly
    test_algorithms: a_turned_box_turns_along_the_shorter_arc a_fitted_box_encloses_what_is_drawn
CVAT exports of projects and tasks become projects, with issues of three levels and the review mode asked for
    test_imports: a_project_export_becomes_a_project_with_its_labels issues_say_what_was_not_imported
    test_imports: annotations_that_cannot_be_read_make_no_project the_review_mode_is_the_state_of_the_rows
    test_imports: a_task_export_is_named_by_paths_below_its_images
data of folders and buckets is registered where it lies, all of it or with its errors told
    test_private_data: each_kind_of_private_data_is_registered_where_it_lies a_job_goes_on_after_a_restart
    test_private_data: one_error_registers_nothing_and_every_error_is_told without_roots_there_is_no_integration
    test_private_data: errors_that_are_ignored_are_told_and_the_rest_is_registered
    test_private_data: who_asks_waits_until_the_job_ends_or_the_time_is_up
    test_private_s3: files_of_a_bucket_stay_where_they_are files_of_a_bucket_are_de_identified_into_it
videos are encoded again; models are records; what needs an engine is refused in words
    test_video_jobs: a_video_is_encoded_anew_with_all_its_frames without_an_encoder_it_is_said_what_to_install
    test_models: a_model_is_made_listed_and_deleted a_local_service_says_that_it_has_no_engine
    test_models: what_is_known_of_a_training_is_told_as_far_as_it_is_asked_for
files are kept by their content; addresses are signed, end, and take a file whole or not at all
    test_storage: a_file_is_kept_under_the_digest_of_its_bytes_and_once an_address_that_was_changed_is_refused
    test_storage: an_address_ends a_file_that_stops_half_way_leaves_nothing
signatures are of the bytes as they came; a replay changes nothing; unknown and forbidden look alike
    test_auth: a_signature_over_the_bytes_as_they_came_gets_in a_replay_gets_the_answer_again_and_changes_nothing
    test_auth: what_is_unknown_and_what_is_forbidden_look_alike a_request_sent_twice_makes_one_thing
    test_captures: a_recorded_signature_opens_and_a_changed_one_does_not
    test_captures: a_recorded_signature_of_the_younger_half_opens_in_its_time_alone
API keys are in the database as digests; no secret is logged or told
    test_service_secrets: an_api_key_is_not_in_the_database no_secret_is_logged_or_told_in_an_error
    test_service_secrets: no_secret_is_printed_by_the_process the_key_of_the_service_is_readable_by_its_owner_alone
every save is a revision; the last writer wins, or a strict service names both revisions
    test_saved_rows: every_save_is_a_revision_with_the_bytes_that_came the_last_writer_wins_unless_the_service_is_strict
    test_saved_rows: a_strict_service_names_both_revisions_of_a_conflict
what is acknowledged outlives a kill, on either database; a full disk is told
    test_kill: acknowledged_revisions_outlive_a_kill_whole
    test_serve_cli: what_was_acknowledged_outlives_a_kill
    test_database: a_full_disk_is_told_and_is_over_when_there_is_room_again
    test_storage: a_full_disk_is_told
writes that meet are all done
    test_data_rows: uploads_of_many_threads_all_become_rows
    test_app: many_callers_at_once_are_all_answered
bodies too long, compressed or slow, heads without end, too many connections: refused, and nobody else waits
    test_app: a_body_that_is_too_long_is_not_taken_in a_compressed_request_is_refused
    test_connections: a_body_that_stops_is_not_waited_for a_body_that_trickles_is_not_waited_for
    test_connections: a_body_has_an_end_however_fast_it_comes who_does_not_take_an_answer_is_cut_off
    test_denial: others_are_answered_meanwhile
    test_app: of_who_has_no_key_no_body_is_waited_for who_names_a_key_without_proof_takes_nobodys_place
    test_app: who_is_slow_to_say_what_they_want_is_cut_off a_head_without_end_is_cut_off
    test_app: of_more_connections_than_there_is_room_for_the_silent_go
    test_app: more_long_bodies_than_there_is_room_for_are_told_to_come_again
    test_storage: slow_uploads_keep_nobody_waiting
hostile titles, patterns, names and values do no harm
    test_app: a_title_is_a_text_and_nothing_else patterns_keep_the_meaning_sql_gives_them
    test_storage: the_name_of_a_file_is_no_path what_could_hold_a_script_is_not_shown
    test_private_data: an_address_outside_the_root_is_not_opened
    test_odd_values: no_value_makes_the_service_fail

19.1 both halves on one origin, and a domain with a slash at its end
    test_app: a_domain_with_a_slash_at_its_end_works
    test_captures: a_recorded_call_gets_replies_the_protocol_accepts
19.2 one query type serves several operations
    test_captures: a_recorded_call_gets_replies_the_protocol_accepts
    test_ontologies: the_older_flat_ontology_is_read_and_written
19.3 signatures over the received bytes, half a minute old at least
    test_captures: a_recorded_signature_of_the_younger_half_opens_in_its_time_alone
19.4 errors travel in the envelope, and none asks to be asked again
    test_app: every_code_is_told_as_the_client_reads_it no_error_asks_to_be_asked_again
19.5 19.6 what must be true is, every key that must be there is, and none too many
    test_captures: a_recorded_call_gets_replies_the_protocol_accepts
    test_saved_rows: replies_have_the_keys_the_wire_demands
    test_projects: items_of_the_listing_have_exactly_two_keys
19.7 19.8 the dates of a project, its label rows or null, data types in their case
    test_projects: the_record_of_a_project_has_each_key_the_wire_demands
    test_captures: a_recorded_call_gets_replies_the_protocol_accepts
19.9 addresses to send files to take them in chunks and without a type, and echo the name
    test_storage: an_empty_file_and_one_sent_in_chunks_arrive
    test_captures: a_recorded_call_gets_replies_the_protocol_accepts
19.10 who asks after a job waits
    test_private_data: who_asks_waits_until_the_job_ends_or_the_time_is_up
19.11 what may be sent again may be, and names may stand twice in a list
    test_saved_rows: the_same_hash_twice_in_a_request_is_one_row the_same_save_sent_again_is_the_same_revision
    test_uploaded_files: registering_an_image_twice_makes_one
19.12 dates that end in a blank, unknown keys, entries of nobody
    test_saved_rows: frames_dates_that_end_in_a_blank_unknown_keys_and_entries_of_nobody_are_taken
19.13 19.14 dates and headers that are echoed are passed over
    test_saved_rows: times_statuses_and_titles_are_the_services_whatever_is_sent
    test_captures: a_recorded_call_gets_replies_the_protocol_accepts

case 8 two series in one upload are refused with both UIDs
    test_uploaded_files: two_series_in_one_upload_are_refused_with_both_uids
case 9 files of one name are files of their own
    test_uploaded_files: slices_of_one_name_in_two_folders_are_two_slices
    sdk/test_uploads: equal_names_and_the_same_file_twice_are_files_of_their_own
case 10 case 11 a missing file is told before anything is sent, one that does not arrive as such
    sdk/test_uploads: a_missing_file_is_named_before_anything_is_sent failures_are_listed_where_they_are_allowed
    sdk/test_uploads: nothing_is_registered_where_nothing_arrived
case 12 every frame of a series has a block, with null where nothing is known
    test_uploaded_files: blocks_of_a_series_have_every_key_with_null_where_nothing_is_known
    official: dicom_metadata_is_there_after_saving
case 13 case 14 a save wipes nothing it does not carry; labels beyond the end are kept and told
    test_saved_rows: a_save_wipes_neither_the_metadata_of_a_series_nor_its_frames
    test_saved_rows: labels_beyond_the_end_are_kept_and_told
case 15 a slice of another size keeps its own; a missing one is told
    test_uploaded_files: a_slice_of_another_size_keeps_its_own_and_is_told a_missing_slice_is_told_and_not_invented
case 19 case 20 only what is kept remains, at any depth; pixels and sources are as they were; warnings say what is kept
    formats/test_dicom_redactions: what_is_not_on_the_list_is_gone_at_every_depth
    formats/test_dicom_redactions: name_and_uids_are_kept_and_the_file_says_that_it_is_not_de_identified
    formats/test_dicom_redactions: a_picture_is_still_decoded_and_its_bytes_are_the_same
    formats/test_dicom_redactions: geometry_of_frames_stays_and_nothing_else_of_their_groups
    test_deidentify: results_lie_beside_their_sources_with_a_stamp_each
    test_deidentify: the_log_says_what_became_of_each_file_and_names_none
case 21 without removing tags the header is equal
    test_deidentify: an_untouched_header_is_the_file_itself
    formats/test_dicom_redactions: untouched_header_and_pixels_are_the_file_byte_for_byte
case 22 text is painted over on every frame, however pixels are stored; sensitive text without recognition is all text
    formats/test_dicom_redactions: ink_of_letters_is_found_at_any_size text_is_black_and_the_rest_as_it_was
    formats/test_dicom_redactions: every_frame_of_a_short_film_is_looked_at text_of_one_frame_is_painted_over_on_all
    formats/test_dicom_redactions: a_palette_is_painted_with_its_darkest_entry
    formats/test_dicom_redactions: signed_and_twelve_bit_values_are_painted_with_their_lowest
    formats/test_dicom_redactions: compressed_pixels_come_out_uncompressed
    formats/test_dicom_redactions: no_text_mode_leaves_compressed_bytes_as_they_are
    test_deidentify: sensitive_text_without_recognition_is_all_text_and_said
case 23 conditions look at the header as it came; what does not meet them is left out, be it all
    formats/test_dicom_redactions: conditions_are_looked_at_in_the_header_as_it_came
    formats/test_dicom_redactions: a_tag_is_known_by_any_of_its_spellings
    test_deidentify: files_that_do_not_meet_the_conditions_are_left_out
    test_deidentify: no_file_that_meets_the_conditions_is_an_empty_list
case 24 the folder of the results is made, stays below the root, and overwrites nothing
    test_deidentify: files_that_do_not_meet_the_conditions_are_left_out a_folder_that_leads_out_is_refused
    test_deidentify: a_name_that_is_taken_gets_another_stamp
case 25 one bad file saves nothing, and is named
    test_deidentify: one_bad_file_saves_nothing_and_each_is_named
"""


def promises() -> dict[str, list[tuple[str, str]]]:
    """Return the claims, each with modules and names of its proofs."""
    found: dict[str, list[tuple[str, str]]] = {}
    for line in filter(None, PROMISES.splitlines()):
        if not line.startswith(" "):
            claim = found.setdefault(line, [])
            continue
        module, _, names = line.strip().partition(": ")
        claim += [(module, name) for name in names.split()]
    return found


@pytest.mark.parametrize(("claim", "proofs"), promises().items(), ids=list(promises()))
def test_a_promise_is_proved_by_tests_that_are_there(claim: str, proofs: list[tuple[str, str]]) -> None:
    assert proofs
    for module, name in proofs:
        if module == "official":
            assert any(re.search(rf"\b{name}\b", path.read_text(encoding="utf-8")) for path in CHECKS), name
        else:
            assert not Case(claim, {module if "/" in module else f"service/{module}": f"test_{name}"}).missing()


def test_every_line_of_the_checklist_and_every_case_has_a_promise() -> None:
    heads = [re.match(r"(19\.\d+ |case \d+ )*", claim) for claim in promises()]
    told = "".join(head.group() for head in heads if head)
    assert re.findall(r"19\.(\d+)", told) == [str(number) for number in range(1, 15)]
    assert re.findall(r"case (\d+)", told) == [str(number) for number in (*range(8, 16), *range(19, 26))]
