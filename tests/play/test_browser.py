"""The page in a browser: what a person sees and presses. Skipped where there is no Chromium, or no selenium."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from dreaming import made

pytest.importorskip("uvicorn")
webdriver = pytest.importorskip("selenium.webdriver")
By = pytest.importorskip("selenium.webdriver.common.by").By
WebDriverWait = pytest.importorskip("selenium.webdriver.support.ui").WebDriverWait

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="no chromium with chromedriver is installed")

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--window-size=1000,1200"),
)
PIXELS = "return document.getElementById(arguments[0]).toDataURL()"


class Page:
    """A browser on the page of a run, whose server can be stopped and started."""

    def __init__(self, run, folder):
        self.run, self.port = run, "0"
        self.start()
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for flag in (*FLAGS, f"--user-data-dir={folder}"):
            options.add_argument(flag)
        self.driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
        self.driver.get(f"http://127.0.0.1:{self.port}/")

    def start(self):
        path = [str(Path(__file__).parents[1] / "agents"), *sys.path]
        code = f"import sys; sys.path[:0] = {path!r}; from reverie.cli.main import main; main(sys.argv[1:])"
        command = [sys.executable, "-c", code, "dream", str(self.run), "--port", self.port]
        self.server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.server.stdout.readline()
        self.port = line.split("127.0.0.1:")[1].split("/")[0]

    def stop(self):
        self.server.send_signal(signal.SIGINT)
        out, err = self.server.communicate(timeout=60)
        assert (self.server.returncode, out, err) == (0, "", "")

    def text(self, name):
        return self.driver.find_element(By.ID, name).text

    def wait(self, condition, seconds=60):
        return WebDriverWait(self.driver, seconds, 0.1).until(lambda driver: condition())

    def press(self, key):
        self.driver.find_element(By.TAG_NAME, "body").send_keys(key)

    def picture(self, name):
        return self.driver.execute_script(PIXELS, name)

    def close(self):
        self.driver.quit()
        if self.server.poll() is None:
            self.stop()


@pytest.fixture(scope="module", params=["pixels", "state"])
def page(request, tmp_path_factory):
    folder, pixels = tmp_path_factory.mktemp("page"), request.param == "pixels"
    shown = Page(made(folder / "run", env="py:tiny:walk", pixels=pixels, size=16), folder / "browser")
    yield shown
    shown.close()


def test_a_person_plays(page):
    page.wait(lambda: "You act." in page.text("state"))
    assert page.text("title") == "dreamer on py:tiny:walk"
    panels = {name: page.picture(name) for name in ("real", "latent")}
    page.press("d")
    page.wait(lambda: all(page.picture(name) != before for name, before in panels.items()))
    dream = page.picture("dream")
    if page.driver.execute_script("return !document.getElementById('dream-panel').classList.contains('empty')"):
        page.wait(lambda: page.picture("dream") != dream)
    page.press("g")
    page.wait(lambda: "The agent acts." in page.text("state"))
    page.press("+")
    page.wait(lambda: page.text("degrees") == "1.25")
    page.press("o")
    page.wait(lambda: "posterior" in page.text("dream-note"))
    page.press("n")
    page.wait(lambda: "alone" in page.text("real-note"))
    page.press("r")
    page.wait(lambda: "alone" not in page.text("real-note"))
    page.press("p")
    page.wait(lambda: "Paused." in page.text("state"))
    page.press("p")
    page.wait(lambda: "latency" in page.text("speed"))
    severe = [line for line in page.driver.get_log("browser") if line["level"] == "SEVERE"]
    assert severe == []


def test_it_comes_back_with_the_server(page):
    page.stop()
    page.wait(lambda: "trying again" in page.text("state"))
    page.start()
    page.wait(lambda: "You act." in page.text("state"))
