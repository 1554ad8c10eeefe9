"""The driver of the real client, before anything is built on it."""

from pathlib import Path

from claude_client import VERSION, Claude, bash, say, use


def test_it_is_the_pinned_client(claude: Claude, tmp_path: Path) -> None:
    said = claude.command("--version", project=tmp_path, home=tmp_path / "home")
    assert said.stdout == f"{VERSION} (Claude Code)\n"


def test_the_model_acts_and_hears_what_came_of_it(claude: Claude, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "note.txt").write_text("a word from disk\n")
    done = claude.session(
        [
            [say("I look."), bash("cat note.txt"), use("Write", file_path=str(project / "out.txt"), content="x")],
            lambda heard: [say("heard: " + heard.told[0].text)],
        ],
        prompt="What does the note say?",
        project=project,
        home=tmp_path / "home",
        arguments=["--allowedTools", "Bash(cat *)"],
    )
    assert done.code == 0, done.err
    assert done.result["result"] == "heard: a word from disk"
    read, write = done.told
    assert (read.tool, read.error, read.text) == ("Bash", False, "a word from disk")
    assert (write.tool, write.error) == ("Write", True)
    assert not (project / "out.txt").exists()
    assert {"Bash", "Edit", "Write", "Skill"} <= set(done.heard[0].tools)
    assert "What does the note say?" in done.text
