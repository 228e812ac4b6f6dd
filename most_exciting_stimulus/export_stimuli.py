"""Export stimuli for a rig: frames, manifest.yaml; or --check a set that was exported."""

import logging
from pathlib import Path

from viv1t import log
from viv1t.config.flags import check
from viv1t.config.scripts import PROBE_FLAGS, run_script, script_parser
from viv1t.insilico.responders import open_probe
from viv1t.most_exciting_stimulus.export import FORMATS, check_export, export_stimuli, read_blocks
from viv1t.most_exciting_stimulus.library import library_folder, read_libraries
from viv1t.most_exciting_stimulus.manifest import RigTiming
from viv1t.plot.stimulus_movies import rig_movie
from viv1t.results.run import RunDir

logger = logging.getLogger("viv1t.export_stimuli")


def main() -> None:
    """Read the command line, write the set and read it back, and say what was written."""
    parser = script_parser(__doc__ or "", *PROBE_FLAGS, "stimuli")
    add = parser.add_argument
    add("--export_dir", type=Path, default=None, help="of the set; none: export/ in the run")
    add("--formats", nargs="+", choices=FORMATS, default=FORMATS, help="of frames")
    add("--mp4", action="store_true", help="a lossless MP4 of each block as well, by ffmpeg")
    add("--everything", action="store_true", help="all stimuli, not only the best of each name")
    add("--grey_frames", type=int, default=15, help="of grey before and after each stimulus")
    add("--check", action="store_true", help="only read an exported set, and compare checksums")
    args = parser.parse_args()
    check(not args.check or args.export_dir is not None, "--check needs --export_dir")
    log.setup(args.verbose)
    if args.check:
        manifest = check_export(args.export_dir)
        logger.info("%s: %d stimuli are whole", args.export_dir, len(manifest.stimuli))
        return

    probe = open_probe(args)
    library = read_libraries(args.output_dir, args.stimuli, args.mouse_ids)
    for mouse_id in sorted(set(library.table["mouse"])):
        RunDir(args.output_dir).check_rows(mouse_id)
        timing = RigTiming(
            fps=probe.responder.fps,
            stimulus=len(library.frames(0)),
            grey_before=args.grey_frames,
            grey_after=args.grey_frames,
        )
        path = export_stimuli(
            (args.export_dir or library_folder(args.output_dir, "export")) / f"mouse{mouse_id}",
            library,
            mouse_id=mouse_id,
            monitor=probe.monitors[mouse_id],
            timing=timing,
            formats=args.formats,
            everything=args.everything,
            progress=probe.progress,
        )
        logger.info("wrote and checked %s", path)
        for name, frames in read_blocks(path.parent) if args.mp4 else ():
            rig_movie(path.parent / f"{name}.mp4", frames, fps=timing.fps)


if __name__ == "__main__":
    run_script(main)
