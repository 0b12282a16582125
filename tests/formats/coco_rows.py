"""How each thing of COCO becomes one of the hub, and back, row by row: which test proves it.

The rows are those of the page of the format, of what Encord documents of its own exporter, and of its defects. What a
row asks for and is not so stands under ``lacks``, with the reason.
"""

from proofs import Case

READ, OUT, DIALECTS, DAMAGE = (f"formats/test_coco_{part}" for part in ("read", "write", "dialects", "damage"))
VIDEOS, RESULTS, PANOPTIC = (f"formats/test_coco_{part}" for part in ("video_read", "results", "panoptic"))
OFFICIAL, BESIDE = "formats/test_coco_encord", "formats/test_coco_encord_beside"
GOLDEN = "test_all_64_annotations_are_those_of_the_exporter_but_for_changing_answers"
SHORT = "test_the_short_blocks_are_those_of_the_exporter"

COCO_READ = {
    "category": Case(
        "the shape of a class follows from the data: keypoints, masks, polygons, else boxes; or is chosen",
        {
            READ: "test_no_segmentation_is_a_box test_polygons_and_masks_of_a_category_are_two_classes_of_its_name "
            "test_keypoints_are_visible_occluded_or_invisible"
        },
    ),
    "supercategory": Case(
        "a supercategory is noted or answered, and the shape that Encord's exporter writes there is no group",
        {
            READ: "test_a_supercategory_is_native_or_an_answer test_a_supercategory_that_is_a_shape_is_no_group",
            DIALECTS: "test_the_shape_that_encords_exporter_names_is_the_shape",
        },
    ),
    "bbox": Case(
        "a box is its pixels over the size, unrounded", {READ: "test_a_box_becomes_relative_without_rounding"}
    ),
    "one polygon": Case(
        "a polygon is one ring, without the last point if it repeats the first",
        {READ: "test_a_polygon_keeps_its_vertices_and_drops_the_repeated_last"},
    ),
    "several polygons": Case(
        "several rings are parts of one polygon, a ring within another a hole on request",
        {
            READ: "test_several_polygons_are_one_object_of_several_parts "
            "test_a_ring_inside_another_is_a_part_as_coco_says test_a_ring_inside_another_is_a_hole_on_request"
        },
    ),
    "RLE": Case(
        "column runs are the bitmask of the same pixels; a size that is not the image's is told",
        {
            READ: "test_run_lengths_in_every_form_are_the_same_mask",
            DAMAGE: "test_a_size_the_other_way_round_is_taken_for_the_pictures test_a_mask_of_another_size_is_dropped",
        },
    ),
    "RLE as polygon": Case(
        "a mask is read as its contours with holes on request, and told",
        {READ: "test_a_mask_read_as_a_polygon_has_its_holes"},
    ),
    "iscrowd": Case(
        "a crowd is an answer, noted, its geometry kept; dropped with a loss on request",
        {READ: "test_a_crowd_is_kept_and_says_so"},
    ),
    "keypoints": Case(
        "keypoints are a skeleton by names or numbers, edges from 1, its template as the first complete one is drawn",
        {
            READ: "test_keypoints_are_visible_occluded_or_invisible test_keypoints_without_names_are_numbered "
            "test_an_invisible_keypoint_keeps_its_place test_the_template_is_drawn_as_the_first_complete_one"
        },
    ),
    "keypoints with an outline": Case(
        "an outline beside keypoints is dropped, and counted; without labelled keypoints it is what is read",
        {
            READ: "test_the_segmentation_beside_keypoints_is_counted_as_dropped "
            "test_a_person_without_labelled_keypoints_is_its_outline"
        },
        lacks="it is no object of its own on request: an annotation is one object, which every count counts once.",
    ),
    "score": Case(
        "a score is a confidence, made by a machine",
        {DIALECTS: "test_scores_of_ground_truth_are_confidences_of_a_machine"},
    ),
    "attributes": Case(
        "an attribute has the type of its values, within its category",
        {
            DIALECTS: "test_attributes_have_the_type_of_their_values test_many_different_texts_are_free_text "
            "test_attributes_belong_to_their_category test_numbers_are_numbers_if_asked_for"
        },
        lacks="numbers are text by default: the documented model has no numeric question.",
    ),
    "attributes.rotation": Case(
        "rotation is an angle within one turn; where none is turned boxes are plain",
        {DIALECTS: "test_rotation_of_cvat_is_an_angle_and_no_answer test_boxes_that_are_never_turned_are_plain"},
    ),
    "bbox of five": Case(
        "five numbers are a turned box, in either convention", {READ: "test_a_bbox_of_five_is_turned_about_its_centre"}
    ),
    "track ids": Case(
        "annotations of one track are one object; what changes over it is dynamic",
        {
            VIDEOS: "test_cocovid_instances_are_one_object_each test_tao_tracks_keep_the_numbers_of_sparse_frames "
            "test_track_ids_among_the_attributes_are_tracks test_a_track_of_two_categories_is_two_objects "
            "test_attributes_that_change_over_a_track_are_dynamic_and_others_not"
        },
    ),
    "images of one video": Case(
        "frames of a video are one row, by their ids, by the names of Encord's exporter, or by a pattern",
        {
            VIDEOS: "test_cocovid_instances_are_one_object_each test_frames_can_be_told_by_their_names",
            DIALECTS: "test_frames_of_encords_exporter_are_one_row_and_its_tracks_one_object",
        },
    ),
    "YouTube-VIS": Case(
        "one entry is one object, on the frames that are not null",
        {VIDEOS: "test_nulls_of_youtube_vis_are_frames_without_the_object test_boxes_of_youtube_vis_alone_are_boxes"},
    ),
    "caption": Case(
        "captions are a text classification, joined or apart", {READ: "test_captions_are_joined_or_kept_apart"}
    ),
    "category without geometry": Case(
        "categories without geometry are options of a checklist of the image",
        {READ: "test_categories_without_geometry_are_labels_of_the_image"},
    ),
    "panoptic": Case(
        "a segment, thing or stuff, is a bitmask object; void is nothing",
        {READ: "test_a_panoptic_segment_is_a_mask_and_void_is_none"},
        lacks="numbers of segments are kept nowhere: they mean nothing outside the image, and are written again.",
    ),
    "results": Case(
        "results are read with their ground truth",
        {READ: "test_results_take_images_and_classes_from_the_ground_truth"},
    ),
    "licence, info, urls": Case(
        "what the file says of an image is metadata of its row, and blocks without a place are noted",
        {READ: "test_licence_and_urls_of_an_image_are_client_metadata test_blocks_without_a_place_are_native"},
    ),
    "unknown keys": Case(
        "unknown keys are counted, or kept as answers on request",
        {DIALECTS: "test_unknown_keys_are_native_or_answers"},
    ),
    "automatic maps": Case(
        "classes and images are found by name, without any map, and with nothing but geometry",
        {
            READ: "test_a_given_ontology_is_used_by_name test_a_picture_is_found_by_any_form_of_its_name",
            DAMAGE: "test_nothing_needs_area_iscrowd_or_an_id",
        },
    ),
}

OFFICIAL_WRITTEN = {
    "info": Case("it has the title of the first row, the rest is null",
                 {OFFICIAL: SHORT, BESIDE: "test_the_members_of_the_file_are_those_of_the_exporter"}),
    "licenses": Case("there are none", {BESIDE: "test_the_members_of_the_file_are_those_of_the_exporter"}),
    "categories": Case("one for each class, used or not, its shape as supercategory; points have keypoints",
                       {OFFICIAL: SHORT, BESIDE: "test_classes_of_other_media_are_no_categories"}),
    "images[].id": Case("they count from 0", {OFFICIAL: SHORT}),
    "images, still": Case("link, title, and a name by hash", {OFFICIAL: SHORT}),
    "images, video": Case("one for each labelled frame, by hash and frame", {OFFICIAL: SHORT}),
    "images, DICOM": Case("by hash and instance, of the size of the slice",
                          {OFFICIAL: SHORT, BESIDE: "test_slices_are_named_by_their_instance_and_frame"}),
    "images, NIfTI": Case("by hash and frame", {OFFICIAL: SHORT}),
    "PDF, text, audio": Case("they have no annotations, and that is told",
                             {BESIDE: "test_classes_of_other_media_are_no_categories "
                                      "test_labels_of_pages_are_dropped_and_counted"},
                             lacks="pages of PDF are listed as images, as frames of other media are."),
    "annotations[].id": Case("they count from 0", {OFFICIAL: GOLDEN}),
    "keys always present": Case("ten members, keypoints null but of points and skeletons",
                                {OFFICIAL: GOLDEN, BESIDE: "test_every_annotation_has_the_ten_members"}),
    "attributes": Case("number and hash of the track, rotation, answers, by hand or not; nothing null",
                       {OFFICIAL: f"{GOLDEN} test_tracks_are_numbered_over_the_whole_file",
                        BESIDE: "test_every_annotation_has_the_ten_members"}),
    "bounding_box": Case("bbox, area, four corners clockwise from the top-left", {OFFICIAL: GOLDEN}),
    "rotatable_bounding_box": Case("those of the box that is not turned, and the angle", {OFFICIAL: GOLDEN}),
    "polygon, one ring": Case("its ring and its area", {OFFICIAL: GOLDEN}),
    "polygon, complex": Case("a mask, and called a crowd",
                             {OFFICIAL: "test_a_polygon_with_a_hole_is_a_mask_and_marked_as_a_crowd"}),
    "polyline": Case("a polygon there and back of no area", {OFFICIAL: f"{GOLDEN} test_a_line_goes_there_and_back"}),
    "point": Case("one pair, one keypoint, no size", {OFFICIAL: GOLDEN}),
    "skeleton": Case("keypoints in stored order, invisible ones with their place",
                     {OFFICIAL: f"{GOLDEN} test_invisible_points_keep_their_place_and_points_their_order"}),
    "bitmask": Case("column runs, and called a crowd", {OFFICIAL: GOLDEN}),
    "cuboids, segmentation": Case("ignored, and counted", {BESIDE: "test_shapes_the_exporter_ignores_are_counted"}),
    "classifications": Case("answers of the first level by name, options one by one; nested ones dropped",
                            {OFFICIAL: f"{GOLDEN} test_nested_answers_are_lost_and_counted"}),
    "frame-level classifications": Case("not written, and counted",
                                        {BESIDE: "test_classifications_of_frames_are_dropped_and_counted"}),
    "automatic": Case("answers that change are those of the frame, where the exporter has others",
                      {OFFICIAL: "test_changing_answers_are_those_of_the_frame_in_every_row"},
                      lacks="not equal to the golden file there: it has those of the first row's frames."),
}  # fmt: skip

OFFICIAL_DEFECTS = {
    "annotation id 0": Case("ids count from 1", {OUT: "test_ids_count_from_1_and_nothing_is_missing"}),
    "rotated geometry": Case(
        "a turned box is enclosed", {OUT: "test_a_rotated_box_is_enclosed_and_keeps_its_own_numbers"}
    ),
    "dynamic answers": Case(
        "answers are those of the frame, in every row", {OUT: "test_answers_that_change_are_those_of_the_frame"}
    ),
    "iscrowd": Case(
        "single objects are no crowds",
        {OUT: "test_a_mask_is_run_lengths_by_columns test_a_polygon_with_a_hole_becomes_a_mask_of_its_pixels"},
    ),
    "polygons of a point": Case("a point has no polygon", {OUT: "test_a_point_is_one_keypoint_with_a_box_around_it"}),
    "names of skeletons": Case("keypoints have names", {OUT: "test_a_skeleton_follows_its_template"}),
    "invisible keypoints": Case(
        "invisible keypoints are 0, 0, 0", {OUT: "test_the_position_of_an_invisible_point_is_reported"}
    ),
    "images without labels": Case(
        "frames without labels are listed on request", {OUT: "test_all_frames_are_listed_on_request"}
    ),
    "quadratic scan": Case(
        "time grows with the number of annotations",
        {},
        lacks="tests measure no time; bench/coco_to_cvat.py and bench/cvat_to_coco.py do.",
    ),
}

COCO_WRITTEN = {
    "ids": Case(
        "ids count from 1 in the order of rows, frames and objects; those of categories can be given",
        {
            OUT: "test_ids_count_from_1_and_nothing_is_missing "
            "test_annotations_stand_in_the_order_of_rows_frames_and_objects "
            "test_category_ids_are_those_one_gives"
        },
    ),
    "categories": Case(
        "classes, their name as supercategory or what one says, keypoints with edges from 1, colours",
        {
            OUT: "test_categories_count_from_1_in_the_order_of_the_ontology test_supercategory_is_as_asked_for "
            "test_a_skeleton_follows_its_template"
        },
        lacks="classes nobody used are listed too: without them an empty class would not come back.",
    ),
    "images": Case(
        "labelled frames, or all; named by title, video and frame, group, series and slice; names unique; with hashes",
        {
            OUT: "test_a_video_lists_its_labelled_frames test_all_frames_are_listed_on_request "
            "test_a_group_lists_its_labelled_pictures_under_its_title test_a_series_lists_its_labelled_slices "
            "test_a_slice_of_another_size_is_measured_by_its_own "
            "test_slices_are_named_by_their_uid_where_it_is_known test_equal_titles_get_numbers_and_a_note "
            "test_every_image_says_what_it_was_in_the_hub"
        },
        lacks="the block of videos is there wherever a video is, not by option: it loses nothing and costs a line.",
    ),
    "bounding_box": Case(
        "a box in pixels, without polygon, or with its corners on request",
        {OUT: "test_a_box_is_written_in_pixels test_box_polygons_are_the_corners_clockwise_from_the_top_left"},
    ),
    "rotatable box": Case(
        "a turned box is enclosed, its corners the polygon, its own numbers attributes",
        {
            OUT: "test_a_rotated_box_is_enclosed_and_keeps_its_own_numbers "
            "test_a_quarter_turn_is_exact_and_clockwise_on_screen"
        },
    ),
    "polygon, one ring": Case("its ring", {OUT: "test_a_polygon_keeps_the_order_of_its_points"}),
    "several outer rings": Case(
        "rings of one annotation, no crowd, box and area of the union",
        {OUT: "test_parts_are_rings_of_one_annotation test_overlapping_parts_count_once_in_the_area"},
    ),
    "holes": Case("a mask, no crowd, and told", {OUT: "test_a_polygon_with_a_hole_becomes_a_mask_of_its_pixels"}),
    "bitmask": Case(
        "column runs as string, or as list on request, no crowd; empty ones skipped and told",
        {
            OUT: "test_a_mask_is_run_lengths_by_columns test_runs_are_lists_on_request "
            "test_what_covers_nothing_is_dropped_under_its_code"
        },
    ),
    "polyline": Case(
        "polylines are left out and counted",
        {OUT: "test_polylines_are_left_out_and_counted"},
        lacks="no option draws them as polygons: what an option changes is how a thing is written, and never what "
        "survives; coco-encord is the format that writes them there and back.",
    ),
    "point": Case(
        "a keypoint in a box of one pixel, or of as many as one says",
        {OUT: "test_a_point_is_one_keypoint_with_a_box_around_it test_the_box_of_a_point_stays_inside_the_picture"},
        lacks="no box without sides: training code drops it.",
    ),
    "skeleton": Case(
        "keypoints in the order of the template, invisible 0, 0, 0, counted, box and area of the labelled ones",
        {OUT: "test_a_skeleton_follows_its_template test_points_in_another_order_are_put_in_that_of_the_template"},
    ),
    "attributes": Case(
        "answers by name, nested by path, lists of options or booleans on request, of the frame; tracks from 1; hashes",
        {
            OUT: "test_answers_are_attributes_by_name test_checklists_are_booleans_on_request "
            "test_answers_that_change_are_those_of_the_frame test_a_video_lists_its_labelled_frames "
            "test_tracks_count_from_1_in_each_video test_every_annotation_says_which_object_it_was"
        },
    ),
    "classifications": Case(
        "labels of frames are attributes of the image",
        {
            OUT: "test_labels_of_a_frame_are_attributes_of_the_image "
            "test_nested_answers_of_a_frame_stand_under_their_path"
        },
    ),
    "crowd": Case("an answer to iscrowd or is_crowd decides", {OUT: "test_an_answer_decides_what_is_a_crowd"}),
    "stuff, panoptic": Case(
        "a writer of its own: painted in order, things and stuff by option, PNG as said",
        {
            PANOPTIC: "test_png_and_json_agree_on_every_pixel "
            "test_what_comes_later_hides_what_came_before_and_is_counted "
            "test_categories_say_thing_or_stuff_and_have_colours_as_numbers"
        },
    ),
    "numbers": Case(
        "plain numbers of as many decimals as one says, never NaN",
        {
            OUT: "test_decimals_are_as_asked_for test_what_cannot_be_drawn_spares_its_neighbours",
            "formats/test_cvat_to_coco": "test_nothing_in_the_result_is_null_or_not_a_number",
        },
    ),
    "size": Case("memory does not grow with the frames", {OUT: "test_memory_does_not_grow_with_the_frames_of_a_video"}),
    "clipping": Case(
        "what leaves the image is cut, what lies outside dropped, each told",
        {OUT: "test_what_leaves_the_picture_is_cut_and_what_lies_outside_is_dropped"},
    ),
}

COCO_CODES = {
    "POLYLINE_SKIPPED": {OUT: "test_polylines_are_left_out_and_counted"},
    "HOLES_AS_RLE": {OUT: "test_a_polygon_with_a_hole_becomes_a_mask_of_its_pixels"},
    "RLE_TO_POLYGON": {READ: "test_a_mask_read_as_a_polygon_has_its_holes"},
    "CLASSIFICATION_DROPPED": {RESULTS: "test_labels_of_frames_are_dropped_and_counted"},
    "UNSUPPORTED_SHAPE": {"formats/test_coco_keypoints": "test_other_shapes_are_left_out_and_counted"},
    "EMPTY_MASK": {OUT: "test_what_covers_nothing_is_dropped_under_its_code"},
    "CLIPPED": {OUT: "test_what_leaves_the_picture_is_cut_and_what_lies_outside_is_dropped"},
    "NAME_CLASH": {OUT: "test_equal_titles_get_numbers_and_a_note"},
    "DUPLICATE_ID": {DAMAGE: "test_duplicate_annotation_ids_are_all_read_and_noted"},
    "ORPHAN_IMAGE": {DAMAGE: "test_annotations_of_unknown_images_are_dropped_and_counted"},
    "ORPHAN_CATEGORY": {DAMAGE: "test_annotations_of_unknown_categories_are_dropped_and_counted"},
    "AMBIGUOUS_FILE": {READ: "test_an_ambiguous_name_names_the_candidates"},
    "SIZE_MISMATCH": {DAMAGE: "test_a_mask_of_another_size_is_dropped"},
    "INVALID_RLE": {DAMAGE: "test_runs_of_another_sum_are_repaired_and_told"},
    "INVALID_POLYGON": {DAMAGE: "test_a_polygon_that_is_none_is_dropped"},
    "BBOX_DERIVED": {DAMAGE: "test_boxes_that_are_missing_are_noted_and_counted"},
    "AREA_DERIVED": {DAMAGE: "test_areas_that_are_missing_are_noted_and_counted"},
    "CROWD_KEPT": {READ: "test_a_crowd_is_kept_and_says_so"},
    "ID_RENUMBERED": {
        "formats/test_coco_native": "test_ids_that_are_not_unique_are_renumbered_and_counted "
        "test_ids_from_0_are_said_to_be_renumbered"
    },
    "KEYPOINT_NAMES_MISSING": {READ: "test_keypoints_without_names_are_numbered"},
    "GEOMETRY_DROPPED": {READ: "test_the_segmentation_beside_keypoints_is_counted_as_dropped"},
    "BBOX_SUSPECT_FORMAT": {DAMAGE: "test_boxes_that_look_like_corners_are_read_and_warned_about"},
}
"""Not POINT_AS_KEYPOINT, ROTATION_AS_ATTRIBUTE, NESTED_FLATTENED: nothing of these is lost, and so nothing is told."""

CODES_LACK: dict[str, str] = {}
CODES = {code: Case(code, proofs, lacks=CODES_LACK.get(code, "")) for code, proofs in COCO_CODES.items()}

TABLES: dict[str, dict[str, Case]] = {
    "read": COCO_READ,
    "official exporter": OFFICIAL_WRITTEN,
    "official defects": OFFICIAL_DEFECTS,
    "written": COCO_WRITTEN,
    "codes": CODES,
}
