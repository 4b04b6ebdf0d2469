ebin/a.app
{application, a, [{vsn, "1"}, {applications, [b]}]}