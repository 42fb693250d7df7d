"""The command line on a web of loopback: `python ingesting_child.py PORT AUTHORITY ARGUMENTS...`.

Names resolve to a public address that is dialled to the port; AUTHORITY is the file of the web's certificate authority.
"""

import ssl
import sys
from functools import partial

import ingest.fetch
from ingest.fetch.pinned import Network
from kb.cli import main


def run(port: str, authority: str, *arguments: str) -> None:
    """Run whichway with these arguments, and exit as it does."""
    network = Network(
        lambda host, _port: ("93.184.215.14",),
        lambda _ip, _port: ("127.0.0.1", int(port)),
        partial(ssl.create_default_context, cafile=authority),
    )
    ingest.fetch.WebFetcher = partial(ingest.fetch.WebFetcher, network=network)  # type: ignore[assignment,misc]
    sys.argv = ["whichway", *arguments]
    main()


if __name__ == "__main__":
    run(*sys.argv[1:])
