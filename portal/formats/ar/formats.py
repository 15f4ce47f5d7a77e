# Django has none of these for Arabic and would take the English ones, or group nothing.
DATETIME_FORMAT = "j F Y، H:i"
SHORT_DATETIME_FORMAT = "j F Y، H:i"
NUMBER_GROUPING = 3
