"""Image directories that a lock waits for, as the workbench's own journals name them."""

from dataclasses import replace

from workbench.errors import WorkbenchError
from workbench.evidence import Evidence, Gap


def with_images_of_locks(evidence: Evidence) -> Evidence:
    """The evidence with the image directories that the workbench's own journals name and a lock was made for."""
    if isinstance(evidence.locks, Gap) or not evidence.locks:
        return evidence
    from workbench.evidence.lock_map import map_locks
    from workbench.operation.journal import entries
    from workbench.read.criu_images import read_image_directory

    found = []
    for path in dict.fromkeys(str(entry.begun["images"]) for entry in entries()):
        try:
            found.append(read_image_directory(path))
        except WorkbenchError:  # moved or removed since
            continue
    fitting = {use.image.path for use in map_locks(replace(evidence, images=tuple(found))) if use.image}
    images = tuple(image for image in found if image.path in fitting)
    return replace(evidence, images=images) if images else evidence
