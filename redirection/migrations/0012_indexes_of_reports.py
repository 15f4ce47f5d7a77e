from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('redirection', '0010_trouble_of_feedback'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='feedback',
            index=models.Index(fields=['tenant', 'trouble', '-created_at'], name='feedback_of_group'),
        ),
        migrations.AddIndex(
            model_name='feedback',
            index=models.Index(fields=['trouble', 'tenant'], name='feedback_tenants'),
        ),
        migrations.AddIndex(
            model_name='feedback',
            index=models.Index(fields=['-created_at'], name='feedback_by_time'),
        ),
        migrations.AddIndex(
            model_name='traffic',
            index=models.Index(fields=['route', 'day'], name='traffic_of_route'),
        ),
    ]
