"""Referring while offline: sealed and queued at once, sent when there is a connection; no event loop is needed."""

from tsunagu_agency import ActingCoordinator, Area, Category, OfflineQueue, Purpose, ServiceFamily, ToService


def main(folder: str = ".tsunagu/agencies/chiyoda-clinic-a") -> None:
    with OfflineQueue.open(folder) as queue:
        # つながるうちに補充しておく / refilled while online, for later
        print(queue.run(queue.client.keep_handles(low=1, full=20)))

        # つながらなくても: 戻ったときにはディスクにある / online or not: on the disk once put returns
        message = queue.client.seal_referral(
            by=ActingCoordinator(coordinator_id="c-0001", appointment_id="ap-0001"),
            to=ToService(service_family=ServiceFamily.DAILY_LIFE, area=Area.MANSEIBASHI),
            purpose=Purpose.ASSESSMENT,
            contents={Category.CONTACT: "03-0000-0000", Category.NARRATIVE: "停電のあと様子が心配"},
            person="karte-1234",
        )
        print(queue.put(message).state)

        # つながるのを待ち、入れた順に送る / waits for a connection and sends in the order of putting
        queue.drain(print)
        print(queue.statuses()[-1].state)


if __name__ == "__main__":
    main()
