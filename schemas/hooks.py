"""The body of Videsk's webhook; other fields are ignored."""

from marshmallow import EXCLUDE, Schema

from schemas.fields import load_hex_id, loaded_by


class MeetingSchema(Schema):
    """The ids of the meeting's service and user."""

    class Meta:
        unknown = EXCLUDE

    service = loaded_by(load_hex_id)
    user = loaded_by(load_hex_id)
