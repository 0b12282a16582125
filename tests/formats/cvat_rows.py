"""How each thing of CVAT becomes one of the hub, and back, row by row: which test proves it.

The rows are those of the page of the format: containers, ontology, annotations, codes, and what is written. What a row
asks for and is not so stands under ``lacks``, with the reason.
"""

from proofs import Case

IMAGES, VIDEO, WRITE, BACK = (f"formats/test_cvat{part}" for part in ("", "_video", "_write", "_round_trip"))
PUSH = "sync/test_push"

CVAT_CONTAINERS = {
    "image of a task": Case(
        "an image is a row of type image, or all of a task are one image group on request",
        {IMAGES: "test_a_picture_is_a_row_of_its_own test_pictures_of_a_task_are_one_group_if_asked_for"},
    ),
    "video task": Case(
        "a video is one row, its frames numbered as in its source",
        {
            VIDEO: "test_a_track_is_one_object_on_its_frames_and_absent_from_its_gap "
            "test_frames_are_those_of_the_source_unless_relative_ones_are_asked_for"
        },
    ),
    "video task as images": Case(
        "frames exported as images are images, one group, or frames of the video on request",
        {
            IMAGES: "test_frames_exported_as_pictures_are_pictures_or_a_group_and_their_tracks_are_said_to_be_lost "
            "test_frames_exported_as_pictures_are_the_video_if_asked_for"
        },
    ),
    "project": Case(
        "each task of a project is a row, or its images are; subsets are metadata, and datasets on request",
        {
            IMAGES: "test_subsets_name_the_rows_and_are_kept_as_metadata test_each_subset_is_a_dataset_if_asked_for",
            VIDEO: "test_what_a_project_adds_to_the_frames_of_a_task_is_taken_off",
        },
    ),
    "job": Case(
        "a job touches the frames of its segment and no other",
        {VIDEO: "test_a_job_is_read_as_the_frames_of_its_segment"},
    ),
    "width and height": Case(
        "sizes only make numbers relative; data of another size is refused",
        {
            IMAGES: "test_a_box_is_its_pixels_divided_by_the_size",
            PUSH: "test_a_row_without_a_file_or_with_one_of_another_size_is_left_out_and_said_so",
        },
        lacks="no option takes data of another size: the plan names the rows, and an image cut or turned differs too.",
    ),
    "missing image": Case(
        "an image the target lacks is told and left out",
        {PUSH: "test_a_row_without_a_file_or_with_one_of_another_size_is_left_out_and_said_so"},
    ),
}

CVAT_ONTOLOGY = {
    "label of one shape": Case(
        "a label with one shape, said or seen, is one class of its name and colour",
        {IMAGES: "test_a_label_of_one_shape_is_one_class_of_its_name_and_colour"},
    ),
    "any with several shapes": Case(
        "a label of several shapes is one name, its shapes in a fixed order",
        {
            IMAGES: "test_a_label_of_several_shapes_is_one_name_in_a_fixed_order "
            "test_classes_of_one_label_stand_in_the_order_of_shapes"
        },
    ),
    "any never used": Case(
        "a label nobody used has the shape one says", {IMAGES: "test_a_label_never_used_has_the_default_shape"}
    ),
    "box": Case(
        "boxes are plain, or rotatable for all of a label of which one is turned, or if forced",
        {
            IMAGES: "test_one_turned_box_makes_all_of_its_label_rotatable_and_no_other "
            "test_unturned_boxes_are_never_rotatable_unless_forced"
        },
    ),
    "box as polygon": Case(
        "a box is its four corners clockwise from the top-left, turned in pixels, on request",
        {IMAGES: "test_boxes_become_polygons_of_turned_corners_in_pixels"},
    ),
    "skeleton": Case(
        "a skeleton has a template: points by number, names of the sub-labels, places of the drawing, its edges",
        {
            IMAGES: "test_a_skeleton_has_its_points_in_the_order_of_the_template "
            "test_points_of_a_template_stand_in_the_order_of_their_numbers"
        },
    ),
    "select, radio": Case(
        "a choice is a radio with its options in order, undefined none of them and no answer",
        {
            IMAGES: "test_each_kind_of_attribute_has_its_kind_of_answer test_undefined_is_no_answer_and_is_kept "
            "test_options_stand_in_the_order_of_the_file"
        },
    ),
    "checkbox": Case(
        "a checkbox is a checklist of one option of its name",
        {IMAGES: "test_each_kind_of_attribute_has_its_kind_of_answer test_checkbox_texts_of_all_times"},
    ),
    "number": Case(
        "a number is text as written, or a number on request; its range is noted",
        {
            IMAGES: "test_numbers_are_numbers_if_asked_for test_a_number_that_is_none_is_dropped_and_counted "
            "test_each_kind_of_attribute_has_its_kind_of_answer",
            VIDEO: "test_numbers_of_a_track_follow_the_frames_as_numbers_if_asked_for",
        },
        lacks="text is the default and not the number: the documented model has no numeric question.",
    ),
    "text": Case(
        "a text is text, unchanged", {IMAGES: "test_texts_of_several_lines_quotes_and_any_script_are_unchanged"}
    ),
    "mutable": Case(
        "what is mutable is dynamic, in images too unless told otherwise",
        {
            VIDEO: "test_mutable_answers_follow_the_frames_and_the_others_hold_for_all",
            IMAGES: "test_mutable_attributes_of_pictures_are_dynamic_unless_told_otherwise",
        },
    ),
    "default_value": Case(
        "defaults answer nothing unless asked for, and are noted",
        {IMAGES: "test_defaults_are_answered_only_if_asked_for test_each_kind_of_attribute_has_its_kind_of_answer"},
    ),
    "attributes of sub-labels": Case(
        "what a point answers is lifted to its skeleton as point.attribute, and told",
        {IMAGES: "test_attributes_of_points_are_lifted_to_the_skeleton"},
    ),
    "tag without attributes": Case(
        "tags without attributes are options of one checklist called Tags",
        {IMAGES: "test_tags_without_attributes_are_one_checklist"},
    ),
    "tag with attributes": Case(
        "a tag with attributes is a classification of its own: a radio of one option, the attributes below it",
        {IMAGES: "test_a_tag_with_attributes_is_a_classification_of_its_own"},
    ),
    "tag and shape": Case("a label may be both tag and shape", {IMAGES: "test_a_label_may_be_both_tag_and_shape"}),
}

CVAT_ANNOTATIONS = {
    "box": Case("a box is its pixels over the size", {IMAGES: "test_a_box_is_its_pixels_divided_by_the_size"}),
    "rotated box": Case(
        "a turned box keeps its four numbers, and its angle within one turn",
        {IMAGES: "test_a_turned_box_keeps_its_four_numbers_and_its_angle test_an_angle_is_brought_into_one_turn"},
    ),
    "polygon, polyline": Case(
        "vertices keep order and number, over the size", {IMAGES: "test_vertices_keep_order_and_number"}
    ),
    "points, one pair": Case("one point is a point", {IMAGES: "test_one_point_is_a_point_and_several_are_split"}),
    "points, several": Case(
        "several points are as many objects, and told, or a skeleton on request if they are always as many",
        {
            IMAGES: "test_one_point_is_a_point_and_several_are_split "
            "test_points_of_a_constant_number_are_a_skeleton_if_asked_for"
        },
    ),
    "mask": Case(
        "a mask sets the pixels its runs say, and its string is that of rows of the whole image",
        {IMAGES: "test_a_mask_sets_the_pixels_its_runs_say test_a_mask_has_the_string_of_rows_of_the_whole_picture"},
    ),
    "ellipse": Case(
        "an ellipse is a polygon of 72 vertices or of as many as asked, a mask, or a turned box, and told",
        {IMAGES: "test_an_ellipse_is_a_polygon_turned_in_pixels"},
    ),
    "cuboid": Case(
        "a cuboid is its outline, and told; or a front with its offset or vanishing point on request, if that fits",
        {
            IMAGES: "test_a_cuboid_is_the_outline_of_its_eight_points "
            "test_a_cuboid_is_one_of_newer_servers_if_asked_for_and_if_it_is_one",
            VIDEO: "test_a_track_of_cuboids_is_of_one_class",
        },
    ),
    "skeleton": Case(
        "points are visible, occluded or invisible; one that is missing is invisible at the corner, and told",
        {
            IMAGES: "test_a_skeleton_has_its_points_in_the_order_of_the_template "
            "test_a_missing_point_is_invisible_and_told"
        },
    ),
    "track": Case(
        "a track is one object; what holds for all is answered once, what changes over ranges",
        {
            VIDEO: "test_a_track_is_one_object_on_its_frames_and_absent_from_its_gap "
            "test_mutable_answers_follow_the_frames_and_the_others_hold_for_all"
        },
    ),
    "single-frame track": Case("a shape of one frame is on one frame", {VIDEO: "test_a_single_shape_is_on_one_frame"}),
    "outside gaps": Case(
        "frames outside are frames without the object",
        {VIDEO: "test_a_track_is_one_object_on_its_frames_and_absent_from_its_gap test_answers_stop_at_gaps"},
    ),
    "keyframe": Case(
        "keyframes of a hand-made track are by hand, frames between them are not, unless asked for",
        {
            VIDEO: "test_a_track_is_one_object_on_its_frames_and_absent_from_its_gap "
            "test_all_frames_of_a_hand_made_track_are_by_hand_if_asked_for"
        },
    ),
    "source": Case(
        "manual is by hand, anything else is not",
        {
            IMAGES: "test_the_source_says_whether_a_person_made_it",
            VIDEO: "test_groups_and_sources_of_tracks",
        },
    ),
    "occluded": Case(
        "occlusion is a dynamic answer of labels that have any, or dropped on request",
        {
            IMAGES: "test_occlusion_is_an_answer_of_labels_that_have_any",
            VIDEO: "test_occlusion_follows_the_frames",
        },
    ),
    "z_order": Case(
        "objects stand in their depth, and its numbers are told to be lost",
        {IMAGES: "test_labels_stand_in_the_order_of_z_order"},
    ),
    "group_id": Case(
        "groups are told to be lost, or kept as text",
        {
            IMAGES: "test_groups_are_dropped_and_told_or_kept_as_text",
            VIDEO: "test_groups_and_sources_of_tracks",
        },
    ),
    "tag": Case(
        "a tag is a classification of its frame; equal ones collapse, and are told",
        {IMAGES: "test_tags_without_attributes_are_one_checklist test_equal_tags_collapse_and_are_counted"},
    ),
    "immutable with several values": Case(
        "of several answers for all of a track the most frequent counts, and the others are told",
        {VIDEO: "test_of_several_immutable_answers_the_most_frequent_counts"},
    ),
}

CVAT_CODES = {
    "UNSUPPORTED_SHAPE": {IMAGES: "test_elements_that_are_no_shapes_are_told"},
    "MISSING_MEDIA": {"training/test_pictures": "test_a_missing_picture_is_counted_and_its_labels_are_written"},
    "DUPLICATE_IMAGE": {IMAGES: "test_a_picture_listed_twice_is_read_once_and_the_other_is_told_with_all_its_shapes"},
    "MISSING_SIZE": {IMAGES: "test_a_picture_of_unknown_size_is_refused_with_advice"},
    "INVALID_RLE": {IMAGES: "test_runs_that_miss_the_box_are_mended_and_told"},
    "INVALID_GEOMETRY": {IMAGES: "test_a_shape_that_is_none_is_dropped_with_all_it_carries_and_the_rest_is_read"},
    "OUT_OF_BOUNDS": {IMAGES: "test_geometry_outside_is_kept_and_told_once_a_picture"},
    "ELLIPSE_APPROXIMATED": {IMAGES: "test_an_ellipse_is_a_polygon_turned_in_pixels"},
    "CUBOID_APPROXIMATED": {IMAGES: "test_a_cuboid_is_the_outline_of_its_eight_points"},
    "POINTS_SPLIT": {IMAGES: "test_one_point_is_a_point_and_several_are_split"},
    "UNDECLARED_LABEL": {IMAGES: "test_labels_and_attributes_nobody_declared_are_read_and_told"},
    "UNDECLARED_ATTRIBUTE": {IMAGES: "test_labels_and_attributes_nobody_declared_are_read_and_told"},
    "UNKNOWN_OPTION": {IMAGES: "test_an_option_nobody_declared_is_added_and_told"},
    "IMMUTABLE_CONFLICT": {VIDEO: "test_of_several_immutable_answers_the_most_frequent_counts"},
    "TAG_COLLAPSED": {IMAGES: "test_equal_tags_collapse_and_are_counted"},
    "GROUP_DROPPED": {IMAGES: "test_groups_are_dropped_and_told_or_kept_as_text"},
    "Z_ORDER_DROPPED": {IMAGES: "test_labels_stand_in_the_order_of_z_order"},
    "POINT_ATTRIBUTE_LIFTED": {IMAGES: "test_attributes_of_points_are_lifted_to_the_skeleton"},
    "INTERPOLATED": {VIDEO: "test_boxes_move_and_turn_along_the_shorter_arc"},
    "TRACK_EXTENDED": {VIDEO: "test_a_track_without_an_end_goes_on_to_the_last_frame"},
    "TRACK_ENDED": {
        "cli/test_sources": "test_what_a_track_listed_frame_by_frame_has_behind_its_list_is_a_number_and_a_choice"
    },
    "FRAME_STEP": {VIDEO: "test_frames_are_those_of_the_source_unless_relative_ones_are_asked_for"},
    "MASK_TRACK_HELD": {VIDEO: "test_masks_hold_until_the_next"},
    "DEFAULT_DROPPED": {IMAGES: "test_each_kind_of_attribute_has_its_kind_of_answer"},
    "NUMBER_RANGE_DROPPED": {IMAGES: "test_each_kind_of_attribute_has_its_kind_of_answer"},
    "LABEL_UNUSED": {IMAGES: "test_a_label_never_used_has_the_default_shape"},
    "TRACK_ID_LOST": {
        IMAGES: "test_frames_exported_as_pictures_are_pictures_or_a_group_and_their_tracks_are_said_to_be_lost"
    },
    "EMPTY_TRACK": {VIDEO: "test_a_track_that_is_never_visible_is_dropped_with_all_it_holds"},
    "SUBSET_AS_METADATA": {IMAGES: "test_subsets_name_the_rows_and_are_kept_as_metadata"},
}

CVAT_WRITTEN = {
    "image, group, series": Case(
        "images, groups and series are images with a running number, their title and their size",
        {
            WRITE: "test_a_picture_has_its_number_title_and_size "
            "test_frames_of_a_group_are_pictures_and_what_is_on_several_has_one_track_id "
            "test_slices_of_a_series_are_pictures_named_by_their_place_or_on_request_by_their_uid"
        },
    ),
    "video": Case(
        "a video is a task of its frames, size and source", {WRITE: "test_a_video_is_a_task_of_its_size_and_frames"}
    ),
    "several rows": Case(
        "rows that are tasks of their own are files of their own, single images share one",
        {WRITE: "test_rows_that_are_tasks_of_their_own_are_files_of_their_own"},
    ),
    "bounding_box": Case(
        "a box is its corners in pixels, with two decimals at least",
        {WRITE: "test_a_box_is_its_corners_in_pixels test_coordinates_keep_the_digits_they_have"},
        lacks="not cut to two decimals: up to six are written, since two lose what six keep, and CVAT reads them.",
    ),
    "rotatable_bounding_box": Case(
        "a turned box has a rotation, and one that is not has none",
        {WRITE: "test_a_turned_box_has_a_rotation_and_one_that_is_not_has_none"},
    ),
    "polygon, one ring": Case("a ring is a polygon", {WRITE: "test_polygons_polylines_and_points_keep_their_vertices"}),
    "polygon, several rings or holes": Case(
        "rings of one object stay one object of the same pixels, and the change is told",
        {
            WRITE: "test_a_hole_is_cut_out_by_a_ring_that_covers_the_same_pixels "
            "test_parts_are_joined_by_cuts_of_no_width"
        },
        lacks="neither a mask, which has no vertices, nor a polygon for each part, which is an object each: an option "
        "changes how a thing is written, and never what survives.",
    ),
    "polyline, point": Case(
        "a polyline is one, a point is points of one pair",
        {WRITE: "test_polygons_polylines_and_points_keep_their_vertices"},
    ),
    "skeleton": Case(
        "a skeleton has sub-labels and a drawing; invisible is outside, occluded by whatever is occluded, and told",
        {
            WRITE: "test_skeleton_points_are_elements_with_outside_and_occluded "
            "test_a_point_hidden_by_its_own_object_is_occluded_and_told"
        },
    ),
    "bitmask": Case(
        "a mask is row runs in its tight box; an empty one is left out and told",
        {WRITE: "test_a_mask_is_row_runs_in_its_tight_box_background_first test_an_empty_mask_is_left_out_and_told"},
    ),
    "cuboid_2d": Case(
        "a cuboid of newer servers is dropped and counted",
        {WRITE: "test_shapes_cvat_has_no_place_for_are_left_out_and_counted"},
        lacks="no cuboid is written: the hub keeps the shape as it came, and the documented model has none.",
    ),
    "audio, text, 3D, segmentation": Case(
        "what CVAT has no place for is left out and counted",
        {WRITE: "test_shapes_cvat_has_no_place_for_are_left_out_and_counted"},
    ),
    "object on a video": Case(
        "an object is one track of keyframes, closed after each run unless the video ends; of those needed on request",
        {
            WRITE: "test_an_object_on_a_video_is_one_track_closed_after_each_run "
            "test_a_track_that_lasts_to_the_end_is_not_closed "
            "test_sparse_keyframes_are_those_interpolation_does_not_give",
            BACK: "test_tracks_of_every_shape_come_back_from_sparse_keyframes",
        },
    ),
    "radio": Case(
        "a radio is a select, or a radio on request; no answer is an attribute left out",
        {
            WRITE: "test_a_radio_is_a_select_and_no_answer_is_an_attribute_left_out "
            "test_a_radio_is_a_radio_on_request test_an_answer_that_ends_is_undefined_from_there_on"
        },
    ),
    "checklist of one option": Case(
        "a checklist of one option is a checkbox",
        {WRITE: "test_a_checklist_of_its_own_name_is_a_checkbox_and_others_are_one_for_each_option"},
    ),
    "checklist of several options": Case(
        "a checklist of several options is a checkbox for each, question/option",
        {WRITE: "test_a_checklist_of_its_own_name_is_a_checkbox_and_others_are_one_for_each_option"},
    ),
    "numeric": Case(
        "a number declares the range and step of the answers given",
        {WRITE: "test_a_number_declares_the_range_of_its_answers"},
    ),
    "text": Case("a text is text", {WRITE: "test_names_and_texts_are_escaped_and_characters_xml_lacks_are_counted"}),
    "nested attributes": Case(
        "nested questions stand under question/option/question, and come back",
        {
            WRITE: "test_a_checklist_of_its_own_name_is_a_checkbox_and_others_are_one_for_each_option",
            BACK: "test_which_frames_are_keyframes_changes_nothing",
        },
        lacks="no warning: nothing is lost, for the file says which ontology it was written from.",
    ),
    "dynamic": Case(
        "dynamic is mutable, and said on every shape; what holds for all is not",
        {WRITE: "test_a_dynamic_question_is_mutable_and_answered_on_every_shape_and_a_static_one_is_not"},
    ),
    "classification": Case(
        "a classification is a tag of its frames; those of a video stand before its tracks, and that is told",
        {
            WRITE: "test_a_classification_is_a_tag_with_its_answers test_tags_of_cvat_are_written_as_they_were "
            "test_tags_of_a_video_are_pictures_before_its_tracks",
            BACK: "test_classifications_of_several_frames_stay_one",
        },
    ),
    "hashes": Case(
        "hashes are not kept: what is read back is told apart by class, place and track",
        {BACK: "test_which_frames_are_keyframes_changes_nothing"},
        lacks="no option writes them as texts: that would be a question which the ontology does not ask, and so would "
        "change what survives.",
    ),
    "one name and several shapes": Case(
        "classes of one name are one label of any type, and one name again when read",
        {
            WRITE: "test_classes_of_one_name_that_ask_the_same_are_one_label_of_any_type",
            BACK: "test_classes_of_one_name_are_one_label_again",
        },
    ),
    "name clashes": Case(
        "questions whose names clash get a number", {WRITE: "test_names_of_questions_that_clash_get_a_number"}
    ),
    "rounding": Case(
        "coordinates come back within a hundredth of a pixel", {BACK: "test_a_file_of_cvat_comes_back_whole"}
    ),
    "order of the output": Case(
        "version, meta and then images or tracks; fields of a task in their order; people empty, labels there",
        {WRITE: "test_the_file_begins_with_version_meta_and_then_pictures test_times_and_people_are_left_empty"},
        lacks="no time of writing: the same labels give the same bytes whenever they are written.",
    ),
}

CODES_LACK = {"MISSING_SIZE": "in no report: without a size nothing can be placed, and reading stops with advice."}
CODES = {code: Case(code, proofs, lacks=CODES_LACK.get(code, "")) for code, proofs in CVAT_CODES.items()}

TABLES: dict[str, dict[str, Case]] = {
    "containers": CVAT_CONTAINERS,
    "ontology": CVAT_ONTOLOGY,
    "annotations": CVAT_ANNOTATIONS,
    "codes": CODES,
    "written": CVAT_WRITTEN,
}
