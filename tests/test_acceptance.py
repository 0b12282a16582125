"""What a user's file shows and what must come of it, case by case: which tests prove it, or why it cannot be so.

A test is named by its module below ``tests``, without suffix, and its function. What is asked for and not done stands
under ``lacks``, with the reason.
"""

import pytest
from proofs import Case

CVAT, VIDEO, CVAT_OUT, CVAT_BACK = (f"formats/test_cvat{part}" for part in ("", "_video", "_write", "_round_trip"))
COCO, COCO_OUT, DIALECTS, DAMAGE = (f"formats/test_coco_{part}" for part in ("read", "write", "dialects", "damage"))
COCO_VIDEO, RESULTS, OFFICIAL = (f"formats/test_coco_{part}" for part in ("video_read", "results", "encord"))
MAIN, CHAINS = "formats/test_cvat_to_coco", "formats/test_chains"
DICOM, ORDER, DICOM_HOSTILE = "formats/test_dicom", "formats/test_dicom_order", "formats/test_dicom_hostile"
RUNS, MASKS, RLE_FILES = "geometry/test_rle", "geometry/test_masks", "formats/test_rle_files"


LABELS = {
    1: Case(
        "a box is its pixels over the size of the image, and comes back within a hundredth of a pixel",
        {CVAT: "test_a_box_is_its_pixels_divided_by_the_size", CVAT_BACK: "test_a_file_of_cvat_comes_back_whole"},
    ),
    2: Case(
        "a turned box keeps its numbers and its angle; the bbox of COCO encloses it",
        {
            CVAT: "test_a_turned_box_keeps_its_four_numbers_and_its_angle",
            COCO_OUT: "test_a_rotated_box_is_enclosed_and_keeps_its_own_numbers",
        },
    ),
    3: Case(
        "boxes that are never turned are plain boxes",
        {
            CVAT: "test_unturned_boxes_are_never_rotatable_unless_forced",
            DIALECTS: "test_boxes_that_are_never_turned_are_plain",
        },
    ),
    4: Case(
        "boxes are polygons of their turned corners on request",
        {CVAT: "test_boxes_become_polygons_of_turned_corners_in_pixels"},
    ),
    5: Case(
        "polygons and polylines keep order and number of their vertices",
        {
            CVAT: "test_vertices_keep_order_and_number",
            CVAT_OUT: "test_polygons_polylines_and_points_keep_their_vertices",
            COCO_OUT: "test_a_polygon_keeps_the_order_of_its_points",
        },
    ),
    6: Case(
        "one point is a point; several are as many, and told, or a skeleton",
        {
            CVAT: "test_one_point_is_a_point_and_several_are_split "
            "test_points_of_a_constant_number_are_a_skeleton_if_asked_for"
        },
    ),
    7: Case(
        "a mask sets the pixels its runs say, in COCO too, and has the same runs again",
        {
            CVAT: "test_a_mask_sets_the_pixels_its_runs_say",
            COCO_OUT: "test_the_row_runs_of_a_box_become_the_right_pixels",
            CVAT_OUT: "test_the_runs_of_a_mask_of_cvat_come_back_as_they_were "
            "test_the_example_mask_has_its_own_runs_again",
        },
    ),
    8: Case(
        "masks that begin in the foreground are read, sums that are off mended and told",
        {CVAT: "test_a_mask_may_begin_in_the_foreground test_runs_that_miss_the_box_are_mended_and_told"},
    ),
    9: Case("an ellipse is a polygon, turned, and told", {CVAT: "test_an_ellipse_is_a_polygon_turned_in_pixels"}),
    10: Case(
        "a cuboid is its outline, and told; or a front with its offset or vanishing point on request",
        {
            CVAT: "test_a_cuboid_is_the_outline_of_its_eight_points "
            "test_a_cuboid_is_one_of_newer_servers_if_asked_for_and_if_it_is_one",
            VIDEO: "test_a_track_of_cuboids_is_of_one_class",
        },
    ),
    11: Case(
        "points of a skeleton stand in the order of the template, absent ones invisible, hidden ones occluded",
        {
            CVAT: "test_a_skeleton_has_its_points_in_the_order_of_the_template",
            CVAT_OUT: "test_skeleton_points_are_elements_with_outside_and_occluded",
        },
    ),
    12: Case(
        "two skeletons with points of one name do not mix",
        {CVAT: "test_two_skeletons_with_points_of_one_name_do_not_mix"},
    ),
    13: Case(
        "each kind of attribute is its kind of question, and undefined no answer",
        {
            CVAT: "test_each_kind_of_attribute_has_its_kind_of_answer test_undefined_is_no_answer_and_is_kept "
            "test_numbers_are_numbers_if_asked_for test_a_number_that_is_none_is_dropped_and_counted",
            VIDEO: "test_numbers_of_a_track_follow_the_frames_as_numbers_if_asked_for",
        },
    ),
    14: Case(
        "mutable attributes follow the frames, those left out stay, the others hold for the track",
        {
            VIDEO: "test_mutable_answers_follow_the_frames_and_the_others_hold_for_all "
            "test_a_mutable_answer_left_out_is_that_of_the_frame_before"
        },
    ),
    15: Case(
        "texts of several lines, with quotes, in any script are unchanged both ways",
        {
            CVAT: "test_texts_of_several_lines_quotes_and_any_script_are_unchanged",
            CVAT_OUT: "test_names_and_texts_are_escaped_and_characters_xml_lacks_are_counted",
            COCO_OUT: "test_the_file_is_ascii_and_reads_back_any_text",
        },
    ),
    16: Case(
        "tags are classifications, with their attributes; equal ones collapse and are counted",
        {
            CVAT: "test_tags_without_attributes_are_one_checklist "
            "test_a_tag_with_attributes_is_a_classification_of_its_own test_equal_tags_collapse_and_are_counted"
        },
    ),
    17: Case(
        "a label of several shapes is one name, its shapes in a fixed order",
        {CVAT: "test_a_label_of_several_shapes_is_one_name_in_a_fixed_order"},
    ),
    18: Case(
        "a track with a gap is one object that is absent there",
        {VIDEO: "test_a_track_is_one_object_on_its_frames_and_absent_from_its_gap"},
    ),
    19: Case(
        "a track that is never closed lasts to the end",
        {VIDEO: "test_a_track_without_an_end_goes_on_to_the_last_frame"},
    ),
    20: Case(
        "frames between keyframes are interpolated, each shape by its rule",
        {
            VIDEO: "test_boxes_move_and_turn_along_the_shorter_arc test_one_point_moves_and_several_hold "
            "test_polygons_move_vertex_by_vertex test_masks_hold_until_the_next",
            "geometry/test_interpolation": "test_rotation_takes_the_shorter_arc "
            "test_matching_agrees_with_comparing_every_pair",
        },
    ),
    21: Case(
        "frames are those of the source by start and step, or counted on request",
        {VIDEO: "test_frames_are_those_of_the_source_unless_relative_ones_are_asked_for"},
    ),
    22: Case(
        "what a project adds to the frames of its tasks is taken off, and each has its size",
        {VIDEO: "test_what_a_project_adds_to_the_frames_of_a_task_is_taken_off"},
    ),
    23: Case(
        "an export of a job is read, its size from beside the task",
        {
            VIDEO: "test_a_job_is_read_as_the_frames_of_its_segment "
            "test_the_size_and_name_of_the_video_may_stand_beside_the_task"
        },
    ),
    24: Case(
        "version 1.0 is read, its language of attributes too, if the sizes are known",
        {
            CVAT: "test_the_attribute_language_of_version_1_0_is_read "
            "test_a_picture_of_unknown_size_is_refused_with_advice"
        },
    ),
    25: Case(
        "subsets name rows, images are found in their folders, an image listed twice is told",
        {
            CVAT: "test_subsets_name_the_rows_and_are_kept_as_metadata "
            "test_sizes_the_file_does_not_say_are_those_of_the_pictures "
            "test_a_picture_listed_twice_is_read_once_and_the_other_is_told_with_all_its_shapes"
        },
    ),
    26: Case(
        "deleted frames shift nothing",
        {
            CVAT: "test_gaps_and_disorder_of_ids_change_nothing "
            "test_frames_exported_as_pictures_are_the_video_if_asked_for",
            VIDEO: "test_gaps_in_a_file_that_lists_all_frames_are_deleted_frames",
        },
    ),
    27: Case(
        "a name without suffix finds its image",
        {
            "test_media": "test_a_name_finds_its_picture",
            CVAT: "test_sizes_the_file_does_not_say_are_those_of_the_pictures",
        },
    ),
    28: Case(
        "archive, folder, file and several files are read; what leads out and document types are refused",
        {
            CVAT: "test_folder_archive_file_memory_and_pipe_give_one_hub "
            "test_several_files_are_kept_apart_and_share_their_labels test_a_broken_file_is_refused_with_its_place",
            "test_files": "test_a_zip_with_a_member_that_leads_out_is_refused_whole",
        },
    ),
    29: Case(
        "undeclared names, numbers that are none, swapped corners: counted, and the rest is read",
        {
            CVAT: "test_labels_and_attributes_nobody_declared_are_read_and_told "
            "test_swapped_corners_are_put_in_order_and_told "
            "test_a_shape_that_is_none_is_dropped_with_all_it_carries_and_the_rest_is_read",
            "test_hostile": "test_counted_and_the_rest_converted",
        },
    ),
    30: Case(
        "groups, order and source are told or kept",
        {
            CVAT: "test_groups_are_dropped_and_told_or_kept_as_text test_labels_stand_in_the_order_of_z_order "
            "test_the_source_says_whether_a_person_made_it"
        },
    ),
    31: Case(
        "sparse category ids and blocks in any order give the right names",
        {COCO: "test_sparse_category_ids_have_the_right_names test_blocks_may_come_in_any_order"},
    ),
    32: Case(
        "run lengths of either form are one mask, by vectors in both directions",
        {COCO: "test_run_lengths_in_every_form_are_the_same_mask", RUNS: "test_coco_vectors_hold"},
    ),
    33: Case(
        "several rings are one object; a hole in a mask stays one, and is no crowd",
        {
            COCO: "test_several_polygons_are_one_object_of_several_parts "
            "test_a_mask_with_a_hole_keeps_its_pixels_and_is_no_crowd_when_written"
        },
    ),
    34: Case(
        "a crowd is kept, and told",
        {COCO: "test_a_crowd_is_kept_and_says_so test_a_crowd_is_a_crowd_again_when_written"},
    ),
    35: Case(
        "keypoints 0, 1, 2 are invisible, occluded, visible, and again when written",
        {
            COCO: "test_keypoints_are_visible_occluded_or_invisible",
            COCO_OUT: "test_a_skeleton_follows_its_template",
        },
    ),
    36: Case(
        "a segment of a panoptic image is a mask; void is nothing",
        {COCO: "test_a_panoptic_segment_is_a_mask_and_void_is_none"},
    ),
    37: Case(
        "nulls, track and instance ids make one object over frames",
        {
            COCO_VIDEO: "test_nulls_of_youtube_vis_are_frames_without_the_object "
            "test_cocovid_instances_are_one_object_each test_tao_tracks_keep_the_numbers_of_sparse_frames "
            "test_track_ids_among_the_attributes_are_tracks"
        },
    ),
    38: Case(
        "attributes have the type of their values; an angle is one",
        {
            DIALECTS: "test_attributes_have_the_type_of_their_values test_rotation_of_cvat_is_an_angle_and_no_answer "
            "test_keys_beside_the_geometry_that_are_known_are_answers"
        },
    ),
    39: Case(
        "images of LVIS are named by their address",
        {COCO: "test_lvis_images_are_named_by_the_end_of_their_url test_lvis_images_are_found_by_the_end_of_their_url"},
    ),
    40: Case(
        "a name of any form finds its image, or the candidates are named",
        {
            COCO: "test_a_picture_is_found_by_any_form_of_its_name test_the_longest_common_path_wins_over_equal_names "
            "test_an_ambiguous_name_names_the_candidates"
        },
    ),
    41: Case(
        "ids of any kind, doubles, orphans, missing members, damaged shapes: each by its rule",
        {
            DAMAGE: "test_ids_of_any_kind_break_nothing test_duplicate_annotation_ids_are_all_read_and_noted "
            "test_of_duplicate_images_the_first_is_a_row_without_labels_that_may_be_of_either "
            "test_annotations_of_unknown_images_are_dropped_and_counted "
            "test_ids_may_be_texts test_nothing_needs_area_iscrowd_or_an_id test_a_box_that_is_none_is_dropped "
            "test_areas_that_are_missing_are_noted_and_counted test_boxes_that_are_missing_are_noted_and_counted "
            "test_a_polygon_nested_otherwise_is_read_with_a_warning",
            DIALECTS: "test_category_zero_is_a_category",
        },
    ),
    42: Case(
        "results take images and classes from the ground truth, and are refused without",
        {
            COCO: "test_results_take_images_and_classes_from_the_ground_truth "
            "test_results_without_the_ground_truth_are_refused_with_advice"
        },
    ),
    43: Case(
        "ids count from 1, nothing is missing or null, the official tools load it and score it 1",
        {
            COCO_OUT: "test_ids_count_from_1_and_nothing_is_missing test_pycocotools_loads_it_and_paints_every_mask "
            "test_it_scores_1_against_itself",
            MAIN: "test_nothing_in_the_result_is_null_or_not_a_number test_the_result_scores_one_against_itself",
        },
    ),
    44: Case(
        "in the conventions of Encord's exporter all 64 annotations are its own",
        {
            OFFICIAL: "test_the_short_blocks_are_those_of_the_exporter "
            "test_all_64_annotations_are_those_of_the_exporter_but_for_changing_answers"
        },
    ),
    45: Case(
        "answers that change are those of the frame, in every row",
        {
            COCO_OUT: "test_answers_that_change_are_those_of_the_frame",
            OFFICIAL: "test_changing_answers_are_those_of_the_frame_in_every_row",
        },
    ),
    46: Case(
        "nested answers stand under their path, checklists are lists, labels of frames are attributes",
        {
            COCO_OUT: "test_answers_are_attributes_by_name test_nested_answers_of_a_frame_stand_under_their_path "
            "test_labels_of_a_frame_are_attributes_of_the_image test_nested_answers_come_back"
        },
    ),
    47: Case(
        "an object on a video is one track of CVAT, closed after each run, with two decimals or more; labels of "
        "frames are tags, and warned of",
        {
            CVAT_OUT: "test_an_object_on_a_video_is_one_track_closed_after_each_run "
            "test_a_track_that_lasts_to_the_end_is_not_closed test_tags_of_a_video_are_pictures_before_its_tracks "
            "test_coordinates_keep_the_digits_they_have"
        },
    ),
    48: Case(
        "CVAT to COCO and back, and COCO to CVAT and back, but for what is predicted",
        {
            CHAINS: "test_a_file_comes_back_but_for_what_the_steps_predict "
            "test_what_a_chain_loses_is_what_it_predicts_and_no_class_or_question_beside"
        },
    ),
    49: Case(
        "memory does not grow with the file, progress is shown, and parts give what the whole gives",
        {
            CVAT: "test_memory_does_not_grow_with_the_file test_the_size_of_chunks_changes_nothing",
            COCO: "test_memory_does_not_grow_with_the_file test_stretches_of_any_size_give_the_same",
            "formats/test_large_files": "test_memory_does_not_grow_with_the_file",
            "cli/test_commands": "test_progress_is_shown_on_a_terminal_only",
        },
    ),
    50: Case(
        "what is predicted without writing is what is then observed",
        {
            "cli/test_commands": "test_strict_predicts_what_the_conversion_then_loses "
            "test_strict_refuses_loss_writes_nothing_and_exits_3 "
            "test_a_dry_run_says_what_a_real_run_says_and_writes_nothing"
        },
    ),
}

PIXELS = {
    1: Case(
        "shuffled files stand in their order whatever they are called",
        {
            ORDER: "test_twelve_shuffled_files_stand_in_the_expected_order_whatever_their_names "
            "test_twelve_files_stand_in_the_expected_order_whatever_the_order_they_come_in"
        },
    ),
    2: Case(
        "a tilted stack stands along its normal",
        {ORDER: "test_a_tilted_coronal_stack_stands_along_its_normal_though_instance_numbers_are_equal"},
    ),
    3: Case(
        "a missing slice is told and not invented", {ORDER: "test_a_missing_slice_is_reported_and_not_invented"}
    ),
    4: Case(
        "two stacks in one place stand one after the other",
        {ORDER: "test_two_stacks_at_equal_positions_stand_one_after_the_other_and_the_key_is_named"},
    ),
    5: Case(
        "without geometry the numbers decide, without those the names, with a warning",
        {
            ORDER: "test_without_geometry_instance_numbers_decide "
            "test_without_anything_the_natural_order_of_names_decides_with_a_warning"
        },
    ),
    6: Case(
        "frames of an enhanced file are sorted and keep their stored number and window",
        {ORDER: "test_shuffled_frames_of_an_enhanced_file_are_sorted_and_keep_their_stored_number_and_window"},
    ),
    7: Case(
        "a cine keeps the stored order", {ORDER: "test_an_ultrasound_cine_of_six_frames_keeps_the_stored_order"}
    ),
    8: Case(
        "two series are told apart",
        {DICOM: "test_two_series_are_two_rows"},
        lacks="reading makes a row of each; to refuse them is up to whoever takes uploads.",
    ),
    9: Case("files of one name are two", {DICOM: "test_files_of_one_name_in_two_folders_are_two_slices"}),
    12: Case(
        "every frame has a block of its slice, with explicit nulls",
        {
            DICOM: "test_every_frame_has_a_slice_block_with_explicit_nulls "
            "test_the_row_is_read_back_from_its_own_json"
        },
    ),
    14: Case(
        "a frame beyond the number of frames keeps its block, and is told",
        {DICOM: "test_a_sample_with_metadata_comes_back_with_it"},
    ),
    15: Case(
        "a slice of another size keeps its own, is told, and measured by it",
        {
            DICOM: "test_a_slice_of_another_size_keeps_its_own_and_is_reported",
            COCO_OUT: "test_a_slice_of_another_size_is_measured_by_its_own",
            CVAT_OUT: "test_a_slice_of_another_size_is_measured_by_its_own",
        },
    ),
    16: Case(
        "files of every transfer syntax and character set are read",
        {
            DICOM: "test_a_file_without_preamble_and_meta_group_is_read "
            "test_implicit_and_big_endian_files_say_the_same test_every_transfer_syntax_gives_the_same_row "
            "test_names_are_read_in_their_character_set_when_asked_for"
        },
    ),
    17: Case(
        "a file cut short is counted, and the rest of the folder is read",
        {
            DICOM_HOSTILE: "test_one_bad_file_is_counted_and_the_rest_of_the_folder_is_read "
            "test_every_cut_of_a_file_gives_a_row_or_a_sentence"
        },
    ),
    18: Case("what is no DICOM is said to be none", {DICOM_HOSTILE: "test_what_is_no_dicom_is_said_to_be_none"}),
    33: Case(
        "one example passes through every dialect of run lengths, both ways",
        {
            RUNS: "test_example_passes_through_every_dialect test_example_comes_back_from_every_dialect",
            RLE_FILES: "test_the_example_in_every_dialect_both_ways",
        },
    ),
    34: Case(
        "strings of run lengths are those of the hub: backslash, long runs, leading zeros, empty, full",
        {
            RUNS: "test_mask_has_the_string_the_hub_writes test_run_lengths_have_the_string_of_the_hub "
            "test_string_with_a_backslash_survives_json test_long_runs_survive "
            "test_empty_and_full_masks_stay_so_in_both_scans",
            "sdk/test_bitmask": "test_arrays_are_encoded_as_measured test_strings_are_decoded_as_measured",
        },
    ),
    35: Case(
        "short, long, negative and fractional runs are refused, or mended where that is asked for",
        {
            RUNS: "test_runs_that_are_no_runs_are_refused_everywhere test_runs_are_made_to_fill_the_mask "
            "test_runs_that_do_not_fill_the_mask_are_refused_everywhere",
            DAMAGE: "test_runs_of_another_sum_are_repaired_and_told",
        },
    ),
    36: Case(
        "rings that are endless, huge or nowhere are refused or cut",
        {
            MASKS: "test_ring_without_a_place_is_refused test_ring_that_reaches_far_outside_is_cut_and_still_painted "
            "test_outline_that_would_fill_the_memory_is_refused"
        },
    ),
    37: Case(
        "a mask followed along its edges and filled again is the same",
        {
            MASKS: "test_mask_survives_crack_following test_hole_survives_crack_following "
            "test_diagonal_pixels_are_two_rings_that_touch "
            "test_lines_corners_and_checkerboards_survive_crack_following"
        },
    ),
    38: Case(
        "masks and headers are read fast", {}, lacks="bench/rle_speed.py and bench/dicom_headers.py measure it."
    ),
}  # fmt: skip

CASES = [(f"{topic}-{number}", case) for topic, cases in (("labels", LABELS), ("pixels", PIXELS))
         for number, case in cases.items()]  # fmt: skip


@pytest.mark.parametrize(("name", "case"), CASES, ids=[name for name, _ in CASES])
def test_every_case_is_proved_by_tests_that_are_there(name: str, case: Case) -> None:
    assert case.proofs or case.lacks, f"{name} has neither a proof nor a reason"
    assert not case.missing()


def test_no_case_is_left_out() -> None:
    assert list(LABELS) == list(range(1, 51))
    assert list(PIXELS) == [*range(1, 10), 12, *range(14, 19), *range(33, 39)]
