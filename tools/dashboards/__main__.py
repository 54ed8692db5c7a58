"""Write the saved objects: `make dashboards`."""

from eks_logs.dashboards import SAVED_OBJECTS
from tools.dashboards.saved_objects import ndjson, saved_objects

if __name__ == "__main__":
    SAVED_OBJECTS.write_text(ndjson(saved_objects()), encoding="utf-8")
