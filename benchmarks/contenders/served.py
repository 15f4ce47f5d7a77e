"""A contender for a server: ``granian --interface wsgi benchmarks.contenders.served:application``.

The variable ``CONTENDER`` says which, as for ``benchmarks.contenders.worker``.
"""

from __future__ import annotations

import os

from benchmarks.contenders.worker import made_by

_factory, *_words = os.environ["CONTENDER"].split()
application = made_by(_factory, _words).application
