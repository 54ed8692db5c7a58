"""What makes files of this repository: the events, the page of fields, the saved objects of Dashboards."""
