"""`verbatim client refresh` by python-tuf's own client: refresh.py METADATA_DIR METADATA_URL"""

import sys

from tuf.ngclient import Updater

Updater(metadata_dir=sys.argv[1], metadata_base_url=sys.argv[2], bootstrap=None).refresh()
