-- The built-in admin role holds every permission: from now on also tokens:introspect, bit 16.
UPDATE roles SET permissions = permissions | 65536 WHERE number = 1;
