from typing import Any

from django.db import migrations

from redirection.late_reports import give_each_its_trouble


def forward(apps: Any, schema_editor: Any) -> None:
    """Reports from before troubles: in the words of the table as it is now, without rules."""
    using = schema_editor.connection.alias
    give_each_its_trouble(
        apps.get_model('redirection', 'Feedback')._base_manager.using(using),
        apps.get_model('redirection', 'Trouble')._base_manager.using(using),
    )


def backward(apps: Any, schema_editor: Any) -> None:
    """The release before asked everybody for a rating, and chose this one for them."""
    Feedback = apps.get_model('redirection', 'Feedback')
    using = schema_editor.connection.alias
    Feedback._base_manager.using(using).filter(rating=None).update(rating=3)


class Migration(migrations.Migration):

    dependencies = [
        ('redirection', '0008_troubles'),
    ]

    operations = [
        migrations.RunPython(forward, backward),
    ]
