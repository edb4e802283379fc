"""The callbacks, in the trainers that they are for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import loops
import pytest
import torch
from diffusers import DDPMScheduler, UNet2DModel

from solidmark import api

Make = Callable[..., api.Watch]


class Diffusion(torch.nn.Module):
    """A U-Net with its loss, as trainers want it."""

    def __init__(self) -> None:
        super().__init__()
        self.unet = loops.network()
        self.scheduler = DDPMScheduler(num_train_timesteps=100)

    def forward(self, clean: torch.Tensor) -> dict[str, torch.Tensor]:
        noise, times = torch.randn_like(clean), torch.randint(100, (len(clean),))
        drawn = self.unet(self.scheduler.add_noise(clean, noise, times), times).sample
        return {"loss": torch.nn.functional.mse_loss(drawn, noise)}


def live(model: Any) -> tuple[UNet2DModel, DDPMScheduler]:
    return model.unet, model.scheduler


def hf_train(marked: Path, out: Path, callbacks: list[Any]) -> tuple[Diffusion, Any]:
    from transformers import Trainer, TrainingArguments

    torch.manual_seed(0)
    arguments = TrainingArguments(
        str(out),
        max_steps=5,
        per_device_train_batch_size=4,
        use_cpu=True,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        logging_strategy="no",
        dataloader_pin_memory=False,
    )
    data = [{"clean": image} for image in loops.images_of(marked)]
    model = Diffusion()
    trainer = Trainer(model, arguments, train_dataset=data, callbacks=callbacks)
    trainer.train()
    return model, trainer


@pytest.mark.filterwarnings("ignore")
def test_the_trainer_of_transformers(marked: Path, make_watch: Make, tmp_path: Path) -> None:
    plain, _ = hf_train(marked, tmp_path / "a", [])
    watch = make_watch(limit=4)
    watched, trainer = hf_train(marked, tmp_path / "b", [watch.for_trainer(live)])
    assert [look.step for look in watch.looks] == [2, 4]
    assert trainer.state.global_step == 5
    for one, other in zip(plain.parameters(), watched.parameters(), strict=True):
        assert torch.equal(one, other)
    stop = make_watch("stop", stop_at="memorized")
    _, stopped = hf_train(marked, tmp_path / "c", [stop.for_trainer(lambda _: "memorizer")])
    assert stopped.state.global_step == 2


def lightning_train(marked: Path, callbacks: list[Any]) -> tuple[Any, Any]:
    lightning = pytest.importorskip("lightning")

    class Module(lightning.LightningModule):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.inner = Diffusion()

        def training_step(self, batch: torch.Tensor, number: int) -> torch.Tensor:
            return self.inner(batch)["loss"]

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.AdamW(self.parameters(), lr=1e-3)

    module = Module()
    torch.manual_seed(1)
    loader = torch.utils.data.DataLoader(loops.images_of(marked), batch_size=4, shuffle=True)
    trainer = lightning.Trainer(
        max_steps=5,
        accelerator="cpu",
        logger=False,
        callbacks=callbacks,
        enable_progress_bar=False,
        enable_checkpointing=False,
        enable_model_summary=False,
    )
    trainer.fit(module, loader)
    return module, trainer


@pytest.mark.filterwarnings("ignore")
def test_lightning(marked: Path, make_watch: Make) -> None:
    plain, _ = lightning_train(marked, [])
    watch = make_watch(limit=4)
    callback = watch.for_lightning(lambda module: live(module.inner))
    watched, _ = lightning_train(marked, [callback])
    assert [look.step for look in watch.looks] == [2, 4]
    for one, other in zip(plain.parameters(), watched.parameters(), strict=True):
        assert torch.equal(one, other)
    stop = make_watch("stop", stop_at="memorized")
    _, stopped = lightning_train(marked, [stop.for_lightning(lambda _: "memorizer")])
    assert stopped.global_step == 2
