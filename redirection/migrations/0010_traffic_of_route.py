from django.db import migrations, models


class Migration(migrations.Migration):
    """Apart from the others: the table may be large, and nothing else waits meanwhile."""

    dependencies = [
        ('redirection', '0009_trouble_of_each_report'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='traffic',
            index=models.Index(fields=['route', 'day'], name='traffic_of_route'),
        ),
    ]
