"""The command as its users meet it: arguments, texts, exit statuses, files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from proxy import __version__
from proxy import settings as tree
from proxy.__main__ import main, parser
from proxy.commands.banner import banner

ROOT = Path(__file__).resolve().parents[1]
PICTURE = next(iter(sorted((ROOT / "photos").glob("*.jpg"))))
EDGE, ADMIN = ("0.0.0.0", 8080), ("127.0.0.1", 9090)


def outcome(capsys, *arguments: object) -> tuple[int, str, str]:
    status = main([str(argument) for argument in arguments])
    return status, *capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        ([], 2, "COMMAND"),
        (["--version"], 0, __version__),
        (["--help"], 0, "examples:"),
        (["serve", "--help"], 0, "SIGHUP"),
        (["check", "--help"], 0, "examples:"),
        (["convert", "--help"], 0, "examples:"),
        (["purge", "--help"], 0, "examples:"),
        (["purge", "--config", "a.toml"], 2, "one of the arguments"),
        (["serve"], 2, "--config"),
        (["serve", "--config", "x", "--port", "http"], 2, "invalid int value"),
        (["serve", "--conf", "x"], 2, "--config"),
        (["brew"], 2, "invalid choice"),
    ],
)
def test_arguments_are_explained(capsys, arguments, status, says):
    with pytest.raises(SystemExit) as caught:
        parser().parse_args(arguments)
    assert caught.value.code == status
    said = capsys.readouterr()
    assert says in said.out + said.err


def test_it_is_a_module_too():
    said = subprocess.run(
        [sys.executable, "-m", "proxy", "--version"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert said.stdout == f"mogr {__version__}\n"


def test_a_reader_that_has_seen_enough_is_no_error_worth_a_trace():
    """``mogr check … | head``."""
    command = [sys.executable, "-m", "proxy", "check", "--config", "config/local.toml"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert running.stderr.read() == b""
    assert running.returncode == 141, "as the shell says of SIGPIPE"


def test_the_supervisor_never_loads_what_must_not_be_forked():
    ask = "import sys, proxy.commands.serve; print(sorted({'pyvips', 'obstore', 'PIL'} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"


@pytest.fixture(name="config")
def _config(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    file = tmp_path / "mogr.toml"
    file.write_text(
        """
        [admin]
        token = "s3cret-token"
        [buckets."examplebucket-1250000000"]
        default = true
        store = "file:photos"
        """
    )
    return file


@pytest.mark.may_block("starting a process opens /dev/null")
def test_check_prints_what_is_in_effect_without_secrets_and_what_the_build_can_do(capfd, config):
    assert main(["check", "--config", str(config)]) == 0
    said = capfd.readouterr().out
    assert "s3cret-token" not in said
    assert f'store = "file:{config.parent}/photos"' in said
    can = {line.split()[1]: line.split()[2:] for line in said.splitlines() if line.startswith("# ")}
    assert {"jpeg", "png", "webp", "gif"} <= set(can["decodes"])
    assert {"jpeg", "png", "webp", "gif"} <= set(can["encodes"])


def test_check_names_every_problem_and_fails(capsys, config):
    config.write_text(config.read_text() + '\n[server]\nport = "x"\n[codec]\nworker = 1\n')
    status, out, err = outcome(capsys, "check", "--config", config)
    assert (status, out) == (1, "")
    assert "server.port" in err
    assert "codec.worker" in err


@pytest.mark.parametrize("command", ["check", "serve"])
def test_a_missing_configuration_is_one_clear_line(tmp_path, command):
    arguments = [sys.executable, "-m", "proxy", command, "--config", str(tmp_path / "none.toml")]
    said = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout) == (1, "")
    assert "none.toml" in said.stderr
    assert said.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("out", "operation", "told"),
    [
        ("small.avif", "imageMogr2/thumbnail/80x", "avif, 80 x "),
        ("small.webp", "imageMogr2/thumbnail/80x/format/webp", "webp, 80 x "),
        ("small.JPG", "?imageMogr2/crop/40x30/gravity/center", "jpeg, 40 x 30 px"),
        ("small.png", "imageMogr2/thumbnail/80x/format/auto", "png, 80 x "),
        ("small.jpeg", "imageMogr2%2Fthumbnail%2F80x|imageMogr2/rotate/90", "jpeg, "),
        ("about.json", "imageMogr2/thumbnail/80x|imageInfo", "json, 80 x "),
    ],
)
def test_convert_writes_what_its_suffix_says(capsys, tmp_path, out, operation, told):
    status, said, err = outcome(capsys, "convert", PICTURE, tmp_path / out, operation)
    assert (status, err) == (0, "")
    assert said.startswith(f"{tmp_path / out}: {told}")
    written = (tmp_path / out).read_bytes()
    assert said.endswith(f" {len(written)} bytes\n")
    assert [path.name for path in tmp_path.iterdir()] == [out]


@pytest.mark.parametrize(
    ("source", "out", "operation", "told"),
    [
        (PICTURE, "a.png", "imageMogr2/format/webp", "the suffix means png, but the operation asks for webp"),
        (PICTURE, "a.xyz", "imageMogr2", "'.xyz' names no format"),
        (PICTURE, "a", "imageMogr2/format/webp", "'' names no format"),
        (PICTURE, "a.png", "imageMogr2/thumbnail/0x", "thumbnail: "),
        (PICTURE, "a.png", "imageView2/7/w/100", "imageView2: '7' is not valid"),
        (PICTURE, "a.png", "thumbnail/80x", "is no operation"),
        (PICTURE, "a.png", "imageInfo", "imageInfo answers json; expected the suffix .json"),
        (PICTURE, "a.png", "watermark/1/image_key/YQ", "takes its image from a bucket, and here is none"),
        (PICTURE, "a.png", "", "is no operation"),
        (PICTURE, "a.png", "imageMogr2/%zz", "query"),
        (PICTURE, "missing/a.png", "imageMogr2/thumbnail/8x", "cannot be written: no such file or directory"),
        ("missing.jpg", "a.png", "imageMogr2", "cannot be read: no such file or directory"),
        (ROOT, "a.png", "imageMogr2", "cannot be read: is a directory"),
        (Path(__file__), "a.png", "imageMogr2", "not a picture"),
    ],
)
def test_convert_says_in_one_line_why_nothing_was_written(capsys, tmp_path, source, out, operation, told):
    status, said, err = outcome(capsys, "convert", source, tmp_path / out, operation)
    assert (status, said) == (1, "")
    assert err.startswith("mogr: ")
    assert told in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_conversion_that_fails_leaves_the_old_file(capsys, tmp_path):
    target = tmp_path / "a.png"
    target.write_bytes(b"old")
    assert outcome(capsys, "convert", __file__, target, "imageMogr2")[0] == 1
    assert target.read_bytes() == b"old"


def test_convert_writes_with_the_permissions_of_any_new_file(capsys, tmp_path):
    mask = os.umask(0o027)
    try:
        assert outcome(capsys, "convert", PICTURE, tmp_path / "a.jpg", "imageMogr2/thumbnail/8x")[0] == 0
    finally:
        os.umask(mask)
    assert (tmp_path / "a.jpg").stat().st_mode & 0o777 == 0o640


def settings(root: Path, **bucket: object) -> tree.Settings:
    return tree.Settings(buckets={"b-1": tree.Bucket(**{"store": f"file:{root}", "default": True, **bucket})})


def test_the_banner_shows_urls_of_pictures_that_exist(tmp_path):
    for name in ("b c.jpg", "a.png", "notes.txt", ".hidden.jpg", ".mogr/x.jpg", "sub/d.webp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    lines = banner(settings(tmp_path), EDGE, ADMIN).splitlines()
    assert "http://127.0.0.1:8080/" in lines[0]
    assert "http://127.0.0.1:9090/metrics" in lines[0]
    assert [line.strip() for line in lines[2:]] == [
        "http://127.0.0.1:8080/a.png?imageMogr2/thumbnail/600x/format/auto",
        "http://127.0.0.1:8080/b%20c.jpg?imageMogr2/crop/400x400/gravity/center/format/webp",
        "http://127.0.0.1:8080/sub/d.webp",
    ]


def test_one_picture_is_enough_for_three_urls(tmp_path):
    (tmp_path / "only.jpg").touch()
    assert banner(settings(tmp_path), EDGE, ADMIN).count("/only.jpg") == 3


@pytest.mark.parametrize(
    "bucket", [{}, {"default": False}, {"store": "memory:"}, {"store": "https://a.example/"}], ids=str
)
def test_without_pictures_to_show_the_banner_says_only_where(tmp_path, bucket):
    if bucket:
        (tmp_path / "only.jpg").touch()
    assert len(banner(settings(tmp_path, **bucket), EDGE, ADMIN).splitlines()) == 1
