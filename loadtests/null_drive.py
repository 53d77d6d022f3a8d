"""The drive of the null transport: one cell that holds what every pupil needs, and nothing new."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from klokken import population
from loadtests.exam import FOLDER, HANDIN, paper
from loadtests.morning import CLASS_FOLDER
from loadtests.requests import Response

if TYPE_CHECKING:
    from klokken.results import StormPlan
    from loadtests.requests import Request

_SPACE = "/dav/spaces/storage$"
_ETAG = "5" * 32
_DOCUMENT = Response(200, b"A document of yesterday. " * 800, etag=_ETAG)
_LISTED = (
    "<d:response><d:href>{href}</d:href><d:propstat><d:prop>{kind}"
    "<d:getetag>&quot;{etag}&quot;</d:getetag></d:prop><d:status>HTTP/1.1 200 OK</d:status>"
    "</d:propstat></d:response>"
)
_FOLDER = "<d:resourcetype><d:collection/></d:resourcetype>"
_FILE = "<d:resourcetype/><d:getcontentlength>{size}</d:getcontentlength>"
_ALL = '<?xml version="1.0"?><d:multistatus xmlns:d="DAV:">{}</d:multistatus>'


@dataclass(frozen=True, slots=True)
class Cell:
    """Answers of a drive; `papers` are the files of an exam's paper and their sizes."""

    pupils: int
    papers: dict[str, int]

    @classmethod
    def of(cls, plan: StormPlan) -> Cell:
        """Return the cell that the storm of `plan` needs."""
        exam = plan.profile.exam
        if exam is None:
            return cls(plan.pupils, {})
        names, size = paper(exam.paper_files.value), exam.paper_bytes.value
        rest = size - (len(names) - 1) * (size // len(names))
        sizes = [rest, *[size // len(names)] * (len(names) - 1)]
        return cls(plan.pupils, dict(zip(names, sizes, strict=True)))

    def answer(self, request: Request, username: str, saved: tuple[int, str]) -> Response:
        """Answer a request of `username`, whose last document had `saved` bytes and ETag."""
        match request.method:
            case "PROPFIND":
                return self._listing(request.target, username, saved)
            case "PUT":
                return Response(204, etag=saved[1])
            case "GET" if request.target.startswith("/graph/"):
                quota = '{"total":1000000000,"used":20000,"state":"normal"}'
                drive = f'{{"driveType":"personal","id":"storage${username}","quota":{quota}}}'
                return Response(200, f'{{"value":[{drive}]}}'.encode())
            case "GET" if request.bulk:
                name = unquote(request.target).rpartition("/")[2]
                return Response(200, length=self.papers[name])
            case "GET":
                return _DOCUMENT
        return Response(405)

    def _listing(self, target: str, username: str, saved: tuple[int, str]) -> Response:
        path = unquote(target).removeprefix(_SPACE + username).strip("/")
        if path == HANDIN:
            return _answered([(path, *saved)], username)
        documents = {
            "": ["Dansk", FOLDER],
            CLASS_FOLDER: self._class_of(username) if path == CLASS_FOLDER else [],
            FOLDER: list(self.papers),
        }
        inside = path + "/" if path else ""
        held = [(inside + name, self.papers.get(name, 2000), _ETAG) for name in documents[path]]
        return _answered([(path, 0, _ETAG), *held], username)

    def _class_of(self, teacher: str) -> list[str]:
        """Return what the class of a teacher has written, by the teacher's number."""
        klass = int(teacher.removeprefix("laerer")) - 1
        numbers = population.pupils_of(klass, self.pupils)
        return [f"{population.pupil(number, 1).username}.txt" for number in numbers]


def _answered(entries: list[tuple[str, int, str]], username: str) -> Response:
    """Return the listing of paths with sizes and ETags; one without a size is a folder."""
    shown = [
        _LISTED.format(
            href=quote(f"{_SPACE}{username}/{path}", safe="/$").rstrip("/"),
            kind=_FILE.format(size=size) if size else _FOLDER,
            etag=etag,
        )
        for path, size, etag in entries
    ]
    return Response(207, _ALL.format("".join(shown)).encode())
