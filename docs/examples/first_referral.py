"""An agency's first referral: take a handle, seal, publish, hear what became of it."""

import asyncio

from tsunagu_agency import ActingCoordinator, AgencyClient, Area, Category, Purpose, ServiceFamily, ToService


async def main(folder: str = ".tsunagu/agencies/chiyoda-clinic-a") -> None:
    async with AgencyClient.from_folder(folder) as clinic:
        await clinic.take_handles(1)
        message = clinic.seal_referral(
            by=ActingCoordinator(coordinator_id="c-0001", appointment_id="ap-0001"),
            to=ToService(service_family=ServiceFamily.DAILY_LIFE, area=Area.MANSEIBASHI),
            purpose=Purpose.ASSESSMENT,
            contents={Category.CONTACT: "03-0000-0000", Category.NARRATIVE: "退院後の暮らしが心配"},
            person="karte-1234",
        )
        await clinic.publish(message)
        print(await clinic.hear(message.referral_id, "referral.awaiting_consent"))


if __name__ == "__main__":
    asyncio.run(main())
