"""`tsunagu keys`: what an operator does with the key store, on a real database that knows who is erased."""

import asyncio
import shutil
from pathlib import Path

from typer.testing import CliRunner, Result

from deploy.cli import app
from services.consent.keystore.files import kept_in
from tests.builders.consent_bench import Bench
from tests.builders.erasing import erasure
from tests.service.consent.test_erasures import erase, granted


async def keys(bench: Bench, *arguments: str) -> Result:
    """Run the command on the bench's key store and database."""
    [folder] = bench.store.folders
    environment = {
        "TSUNAGU_KEYSTORE_DIR": str(folder),
        "TSUNAGU_KEY_BACKUPS_DIR": str(folder.with_name("key-backups")),
        "TSUNAGU_DATABASE_URL": bench.database.engine.url.render_as_string(hide_password=False),
    }
    return await asyncio.to_thread(CliRunner().invoke, app, ["keys", *arguments], env=environment)


async def test_a_backup_is_restored_without_those_erased_since(bench: Bench) -> None:
    """With the whole key store lost, everybody's keys come back but those of whom the database knows as erased."""
    erased, other = await granted(bench, "one"), await granted(bench, "two")
    [folder] = bench.store.folders
    made = await keys(bench, "backup")
    assert made.exit_code == 0, made.output
    backup = Path(made.output.split("backed up: ")[1].strip())
    assert (await erase(bench, erasure(erased))).status_code == 201
    shutil.rmtree(folder)

    done = await keys(bench, "restore", str(backup))

    assert done.exit_code == 0, done.output
    assert "put back: 1、" in done.output
    assert "withheld, being erased: 1" in done.output
    assert set(kept_in(folder)) == {other.submitted.handle_id}
    bench.opened(await bench.ask(other))


async def test_verify_ends_with_one_where_something_is_wrong(bench: Bench) -> None:
    """A key that should be destroyed is told of, and is gone after `--repair`; then all is sound."""
    sent = await granted(bench)
    assert (await keys(bench, "verify")).exit_code == 0
    assert (await erase(bench, erasure(sent))).status_code == 201

    found = await keys(bench, "verify")
    mended = await keys(bench, "verify", "--repair")

    assert found.exit_code == 1
    assert "erased and there all the same: 1" in found.output
    assert mended.exit_code == 0, mended.output
    assert sent.submitted.handle_id not in set(kept_in(bench.store.folders[0]))


async def test_what_is_no_backup_is_refused_in_words(bench: Bench, tmp_path: Path) -> None:
    """The command says what is wrong and changes nothing."""
    (tmp_path / "empty").mkdir()
    done = await keys(bench, "restore", str(tmp_path / "empty"))

    assert done.exit_code == 1
    assert "no backup" in done.output
