"""`deepmed serve`: the server and its jobs, on this machine, for the person who starts it."""

from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen on; this machine only.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of pages and API.")] = 8000,
    ws_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the event stream.")
    ] = 8765,
    worker: Annotated[
        bool, typer.Option("--worker/--no-worker", help="Run jobs beside the server.")
    ] = True,
    demo: Annotated[
        bool | None,
        typer.Option("--demo/--own", help="Show the demo's samples, or your own data folder."),
    ] = None,
) -> None:
    """Serve pages and API at http://localhost:8000 until Ctrl-C.

    Only you are served: the operating system tells who asks. Nothing is reachable from another
    machine. Where the demo has run and you have no data folder yet, the demo's samples are shown.
    """
    from deepmed.app.serving import Serving, run

    run(Serving(host, port, ws_port, with_worker=worker, demo=demo), typer.echo)
