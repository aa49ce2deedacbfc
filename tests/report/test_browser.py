"""The page in a real browser without a network, where there is one."""

import shutil
import subprocess
from pathlib import Path

import pytest

from orbitfl.experiment.result import RunResult
from orbitfl.report import write

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--enable-logging=stderr",
    "--virtual-time-budget=30000",
    "--window-size=1040,2000",
)
HARMLESS = "willReadFrequently"
TO_THE_END = """<script>
const once = setInterval(() => {
  if (!document.documentElement.dataset.plots) return;
  clearInterval(once);
  const moment = document.getElementById("moment");
  moment.value = moment.max;
  moment.dispatchEvent(new Event("input"));
  setTimeout(() => {
    document.documentElement.dataset.links = document.getElementById("space").data[3].x.length;
  }, 3000);
}, 50);
</script></body>"""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here")


def test_all_plots_are_drawn_and_the_slider_moves(result: RunResult, tmp_path: Path):
    path = tmp_path / "report.html"
    write(result, path)
    path.write_text(path.read_text(encoding="utf-8").replace("</body>", TO_THE_END), encoding="utf-8")
    command = [str(CHROMIUM), *OPTIONS, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", path.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180)
    told = [line for line in done.stderr.splitlines() if "CONSOLE" in line and HARMLESS not in line]
    assert told == []
    assert 'data-plots="9"' in done.stdout
    assert done.stdout.count('class="main-svg"') >= 9
    assert ">1.00 h, 2018-05-18 04:21:00 UTC" in done.stdout
    open_at_the_end = sum(contact.end_s >= 3600 for contact in result.plan.of_kind("isl"))
    assert f'data-links="{3 * open_at_the_end}"' in done.stdout
    assert 'id="trouble" hidden' in done.stdout
