"""Reads a network from its files: all of it, or a refusal that names every file, entry and fault."""

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from services.directory.domain.consistency import problems_of
from services.directory.domain.network import (
    Agency,
    AgencyKeyPair,
    Appointment,
    Collection,
    Document,
    Location,
    Mandate,
    NamedArea,
    Network,
    Service,
    ServiceAtLocation,
    StaffName,
)
from services.directory.domain.problems import NetworkFilesError, Problem
from services.directory.network_files import shapes
from services.directory.network_files.json_files import Entry, UnreadableFileError, read_entries, read_object
from tsunagu_contracts.actors import Actor
from tsunagu_contracts.codes import AgencyKind, Area, ServiceFamily
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.keys import KeyUse, PublicKey

_Shape = TypeVar("_Shape", bound=BaseModel)
_Value = TypeVar("_Value")
_Code = TypeVar("_Code", bound=StrEnum)


def read_network(folder: Path, keys_file: Path) -> Network:
    """Read `<collection>.json` in `folder` and in its sub-folders, and the agencies' public keys.

    Raises `NetworkFilesError` with everything that is wrong, and what is wrong with it.
    """
    reader = _Reader(folder)
    network = Network(
        areas=reader.read(Collection.AREAS, "code", shapes.AreaShape, _area),
        agencies=reader.read(Collection.ORGANIZATIONS, "id", shapes.HsdsOrganization, _agency),
        services=reader.read(Collection.SERVICES, "id", shapes.HsdsService, _service),
        locations=reader.read(Collection.LOCATIONS, "id", shapes.HsdsLocation, _location),
        services_at_locations=reader.read(
            Collection.SERVICE_AT_LOCATION, "id", shapes.HsdsServiceAtLocation, _service_at_location
        ),
        coordinators=reader.read(Collection.COORDINATORS, "coordinator_id", shapes.CoordinatorShape, _coordinator),
        appointments=reader.read(Collection.APPOINTMENTS, "appointment_id", shapes.AppointmentShape, _appointment),
        auditors=reader.read(Collection.AUDITORS, "auditor_id", shapes.AuditorShape, _auditor),
        mandates=reader.read(Collection.MANDATES, "mandate_id", shapes.MandateShape, _mandate),
        keys=reader.read_keys(keys_file),
    )
    # References are looked at only when every entry could be read: the rest would be noise.
    problems = reader.problems or problems_of(network)
    if problems:
        raise NetworkFilesError([reader.with_file(problem) for problem in problems])
    return network


class _Reader:
    """Reads collections one after the other and remembers what is wrong, and where what stood."""

    def __init__(self, folder: Path) -> None:
        self.problems: list[Problem] = []
        self._folder = folder
        self._files: dict[tuple[Collection, str], str] = {}

    def read(
        self,
        collection: Collection,
        id_field: str,
        shape: type[_Shape],
        make: Callable[[_Shape, Document], _Value],
    ) -> tuple[_Value, ...]:
        """Read every entry of a collection that can be read."""
        values: list[_Value] = []
        for file, entry in self._entries(collection, id_field):
            try:
                value = make(shape.model_validate(entry.content), entry.content)
            except ValidationError as error:
                self.problems += [Problem(collection, entry.name, what, file=file) for what in _faults(error)]
                continue
            except _FaultError as error:
                self.problems.append(Problem(collection, entry.name, str(error), file=file))
                continue
            values.append(value)
            self._files[collection, entry.name] = file
            if isinstance(value, Agency):
                # Checks speak of an agency by its own id, which is easier to find than a UUID.
                self._files[collection, value.agency_id] = file
        return tuple(values)

    def read_keys(self, path: Path) -> dict[str, AgencyKeyPair]:
        """Read the agencies' public keys."""
        keys: dict[str, AgencyKeyPair] = {}
        try:
            content = read_object(path)
        except UnreadableFileError as error:
            self.problems.append(Problem(Collection.AGENCY_KEYS, "-", str(error), file=path.name))
            return keys
        for agency_id, given in content.items():
            try:
                keys[agency_id] = AgencyKeyPair(
                    _key(given, "signing", KeyUse.SIGNING), _key(given, "encryption", KeyUse.ENCRYPTION)
                )
            except _FaultError as error:
                self.problems.append(Problem(Collection.AGENCY_KEYS, agency_id, str(error), file=path.name))
        return keys

    def with_file(self, problem: Problem) -> Problem:
        """Name the file in which a problem's entry stands."""
        file = problem.file or self._files.get((problem.collection, problem.entry))
        return Problem(problem.collection, problem.entry, problem.what, file)

    def _entries(self, collection: Collection, id_field: str) -> Iterator[tuple[str, Entry]]:
        name = f"{collection.value}.json"
        paths = [path for path in (self._folder / name, *sorted(self._folder.glob(f"*/{name}"))) if path.exists()]
        if not paths:
            what = f"there is no such file in {self._folder} or one folder below it"
            self.problems.append(Problem(collection, "-", what, file=name))
        for path in paths:
            file = path.relative_to(self._folder).as_posix()
            try:
                entries = read_entries(path, id_field)
            except UnreadableFileError as error:
                self.problems.append(Problem(collection, "-", str(error), file=file))
                continue
            yield from ((file, entry) for entry in entries)


class _FaultError(Exception):
    """One entry says something that its shape does not rule out and its meaning does."""


def _faults(error: ValidationError) -> Iterator[str]:
    # Where and what is expected, never the value: it may be somebody's name.
    for fault in error.errors(include_input=False, include_url=False, include_context=False):
        where = ".".join(str(part) for part in fault["loc"])
        yield f"{where}: {fault['msg']}"[:300]


def _area(shape: shapes.AreaShape, _document: Document) -> NamedArea:
    return NamedArea(shape.code, _names(shape.ward), _names(shape.name))


def _names(shape: shapes.Names) -> Mapping[str, str]:
    return {"ja": shape.ja, "en": shape.en} | ({} if shape.kana is None else {"kana": shape.kana})


def _agency(shape: shapes.HsdsOrganization, document: Document) -> Agency:
    ids = [each.identifier for each in shape.organization_identifiers if each.identifier_scheme == shapes.SCHEME]
    if len(ids) != 1:
        raise _FaultError(f"it needs exactly one identifier of the scheme {shapes.SCHEME!r}, not {len(ids)}")
    try:
        agency_id = shapes.AGENCY_ID.validate_python(ids[0])
    except ValidationError:
        raise _FaultError("its agency id is not 2 to 49 of a-z, 0-9 and hyphens") from None
    kinds = _terms(shape.attributes, shapes.KIND, AgencyKind)
    if len(kinds) != 1:
        raise _FaultError(f"it needs exactly one attribute of {shapes.KIND}, not {len(kinds)}")
    return Agency(
        agency_id=agency_id,
        organization_id=shape.id,
        kind=next(iter(kinds)),
        areas=_terms(shape.attributes, shapes.AREA, Area),
        desk_for=_terms(shape.attributes, shapes.DESK, Area),
        organization=document,
    )


def _service(shape: shapes.HsdsService, document: Document) -> Service:
    areas: set[Area] = set()
    for each in shape.service_areas:
        if each.uri is not None and each.uri.startswith(shapes.AREA_URI):
            areas.add(_code(Area, each.uri.removeprefix(shapes.AREA_URI), "service_areas"))
    return Service(
        service_id=shape.id,
        organization_id=shape.organization_id,
        families=_terms(shape.attributes, shapes.FAMILY, ServiceFamily),
        areas=frozenset(areas),
        document=document,
    )


def _location(shape: shapes.HsdsLocation, document: Document) -> Location:
    return Location(shape.id, shape.organization_id, document)


def _service_at_location(shape: shapes.HsdsServiceAtLocation, document: Document) -> ServiceAtLocation:
    return ServiceAtLocation(shape.id, shape.service_id, shape.location_id, document)


def _coordinator(shape: shapes.CoordinatorShape, _document: Document) -> StaffName:
    return StaffName(shape.coordinator_id, shape.name, shape.kana, shape.romanised, shape.languages)


def _auditor(shape: shapes.AuditorShape, _document: Document) -> StaffName:
    return StaffName(shape.auditor_id, shape.name, shape.kana, shape.romanised)


def _appointment(shape: shapes.AppointmentShape, _document: Document) -> Appointment:
    return Appointment(
        appointment_id=shape.appointment_id,
        coordinator_id=shape.coordinator_id,
        agency_id=shape.agency_id,
        role=shape.role,
        field=shape.field,
        areas=frozenset(shape.areas),
        valid_from=shape.valid_from,
        valid_until=shape.valid_until,
        granted_by=Actor.parse(shape.granted_by),
        ended_at=shape.ended_at,
    )


def _mandate(shape: shapes.MandateShape, _document: Document) -> Mandate:
    return Mandate(
        mandate_id=shape.mandate_id,
        auditor_id=shape.auditor_id,
        agencies=frozenset(shape.agencies),
        areas=frozenset(shape.areas),
        valid_from=shape.valid_from,
        valid_until=shape.valid_until,
        reason=shape.reason,
        granted_by=Actor.parse(shape.granted_by),
    )


def _terms(attributes: tuple[shapes.Attribute, ...], taxonomy: str, codes: type[_Code]) -> frozenset[_Code]:
    terms = (each.taxonomy_term for each in attributes if each.taxonomy_term is not None)
    return frozenset(_code(codes, term.code, taxonomy) for term in terms if term.taxonomy == taxonomy)


def _code(codes: type[_Code], text: str | None, where: str) -> _Code:
    try:
        return codes(text or "")
    except ValueError:
        raise _FaultError(f"{where}: {text!r} is none of {', '.join(codes)}"[:300]) from None


def _key(given: object, name: str, use: KeyUse) -> PublicKey:
    jwk = given.get(name) if isinstance(given, Mapping) else None
    try:
        key = PublicKey.from_jwk(jwk) if isinstance(jwk, Mapping) else None
    except Refusal:
        key = None
    if key is None or key.use is not use:
        raise _FaultError(f"{name}: a public JWK on P-256 for {use.value!r} with its thumbprint as kid is needed")
    return key
