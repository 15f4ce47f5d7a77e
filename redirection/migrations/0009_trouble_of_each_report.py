from typing import Any

from django.db import migrations

from redirection.reported_pages import route_of


def give_each_report_its_trouble(apps: Any, schema_editor: Any) -> None:
    """Reports from before troubles: in the words of the table as it is now, without rules."""
    Feedback = apps.get_model('redirection', 'Feedback')
    Trouble = apps.get_model('redirection', 'Trouble')
    for feedback in Feedback.objects.filter(trouble=None).order_by('created_at').iterator():
        route = route_of(feedback.page, on_legacy=feedback.portal == 'legacy')
        trouble, _ = Trouble.objects.get_or_create(
            route=route, kind=feedback.kind, defaults={'first_at': feedback.created_at}
        )
        trouble.reports += 1
        trouble.last_at = feedback.created_at
        trouble.save()
        feedback.trouble = trouble
        feedback.save(update_fields=['trouble'])


class Migration(migrations.Migration):

    dependencies = [
        ('redirection', '0008_troubles'),
    ]

    operations = [
        # Nothing is lost on the way back: the column goes.
        migrations.RunPython(give_each_report_its_trouble, migrations.RunPython.noop),
    ]
