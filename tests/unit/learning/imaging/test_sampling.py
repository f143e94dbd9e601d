"""The order of an epoch follows from seed and epoch alone."""

from deepmed.learning.imaging import Draw, EpochSampler


def order(epoch: int, *, seed: int = 1, count: int = 50) -> list[int]:
    sampler = EpochSampler(range(count), seed=seed)
    sampler.set_epoch(epoch)
    return [draw.position for draw in sampler]


def test_each_epoch_and_each_seed_has_an_order_of_its_own() -> None:
    orders = [order(epoch, seed=seed) for epoch in range(3) for seed in range(3)]
    assert len({tuple(each) for each in orders}) == 9
    assert all(sorted(each) == list(range(50)) for each in orders)


def test_an_epoch_is_the_same_whatever_came_before() -> None:
    sampler = EpochSampler(range(50), seed=1)
    for epoch in range(4):
        sampler.set_epoch(epoch)
        seen = [draw.position for draw in sampler]
        assert seen == order(epoch)


def test_without_shuffling_the_rows_order_stays() -> None:
    sampler = EpochSampler(range(5), shuffle=False)
    assert list(sampler) == [Draw(0, position) for position in range(5)]


def test_processes_share_an_epoch_in_equal_parts() -> None:
    shares = []
    for rank in range(3):
        sampler = EpochSampler(range(10), seed=1, replicas=3, rank=rank)
        sampler.set_epoch(2)
        assert len(sampler) == 4
        shares.append([draw.position for draw in sampler])
    assert {len(share) for share in shares} == {4}
    together = [position for step in zip(*shares, strict=True) for position in step]
    assert together[:10] == order(2, count=10)


def test_fewer_images_than_processes_still_give_each_one() -> None:
    shares = [list(EpochSampler(range(1), replicas=4, rank=rank)) for rank in range(4)]
    assert shares == [[Draw(0, 0)]] * 4
