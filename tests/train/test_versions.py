import json

from reverie.results.verify import other_versions
from reverie.train.folder import processor, versions

CPUINFO = """processor\t: 0
vendor_id\t: AuthenticAMD
cpu family\t: 25
model\t\t: {model}
model name\t: AMD EPYC

processor\t: 1
model\t\t: 99
"""


def test_processors_of_one_name_are_told_apart(tmp_path):
    told = []
    for model in (1, 17):
        (tmp_path / "cpuinfo").write_text(CPUINFO.format(model=model))
        told.append(processor(tmp_path / "cpuinfo"))
    assert told == ["AMD EPYC (family 25, model 1)", "AMD EPYC (family 25, model 17)"]


def test_a_processor_that_the_system_does_not_describe_still_has_a_name(tmp_path):
    assert isinstance(processor(tmp_path / "none"), str)
    (tmp_path / "bare").write_text("model name\t: Abacus\n")
    assert processor(tmp_path / "bare") == "Abacus"


def test_instructions_are_a_cause_of_other_numbers():
    now = versions()
    assert json.dumps(now) and now["instructions"]
    assert other_versions(now | {"instructions": "ABACUS"}, now).startswith("instructions ABACUS then and ")
    recorded_before = {name: value for name, value in now.items() if name != "instructions"}
    assert other_versions(recorded_before, now).startswith("instructions none then and ")
