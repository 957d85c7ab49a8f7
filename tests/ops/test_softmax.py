import pytest
import torch

from reverie.ops.softmax import LANES, log_softmax, softmax


@pytest.mark.parametrize("classes", [2, 8, LANES - 1, LANES, LANES + 1])
@pytest.mark.parametrize("shape", [(), (3,), (5, 2, 4)])
def test_values_and_gradients_are_torchs(classes, shape):
    logits = torch.randn(*shape, classes, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(*shape, classes, dtype=torch.float64)
    for ours, theirs in ((softmax, torch.softmax), (log_softmax, torch.log_softmax)):
        expected, found = theirs(logits, -1), ours(logits)
        assert found.shape == expected.shape
        torch.testing.assert_close(found, expected)
        gradients = [torch.autograd.grad((value * weight).sum(), logits)[0] for value in (found, expected)]
        torch.testing.assert_close(*gradients)
