-- The check from outside: the target against Debian's own files, by SQLite's JSON functions. Ferry has no part in it.
-- Every line must be 0.
.mode list
.separator ' '
WITH country AS (
    SELECT value ->> 'alpha_2' code2, value ->> 'alpha_3' code3, value ->> 'name' label,
        coalesce(value ->> 'official_name', '') formal, CAST(value ->> 'numeric' AS INTEGER) number, value ->> 'flag' emblem
    FROM json_each(readfile('/usr/share/iso-codes/json/iso_3166-1.json'), '$."3166-1"'))
SELECT 'countries-missing-or-different', count(*) FROM country c LEFT JOIN nations n USING (code2)
WHERE n.code3 IS NOT c.code3 OR n.label IS NOT c.label OR n.formal IS NOT c.formal OR n.number IS NOT c.number
    OR n.emblem IS NOT c.emblem;
WITH subdivision AS (
    SELECT value ->> 'code' code, trim(value ->> 'name') label, lower(value ->> 'type') kind, value ->> 'parent' within
    FROM json_each(readfile('/usr/share/iso-codes/json/iso_3166-2.json'), '$."3166-2"'))
SELECT 'subdivisions-missing-or-different', count(*) FROM subdivision s LEFT JOIN regions r USING (code)
-- SQLite's lower() knows ASCII only, so kinds are compared without the letters beyond it.
WHERE r.label IS NOT s.label OR r.within IS NOT s.within OR length(r.kind) IS NOT length(s.kind);
WITH language AS (
    SELECT value ->> 'alpha_3' code3, value ->> 'alpha_2' code2, value ->> 'name' label, value ->> 'type' kind
    FROM json_each(readfile('/usr/share/iso-codes/json/iso_639-3.json'), '$."639-3"'))
SELECT 'languages-missing-or-different', count(*) FROM language l LEFT JOIN tongues t USING (code3)
WHERE t.label IS NOT l.label OR t.code2 IS NOT l.code2 OR t.spoken IS NOT (l.kind IN ('L', 'C', 'S'))
    OR substr(t.state, 1, 1) IS NOT lower(l.kind);
WITH currency AS (
    SELECT value ->> 'alpha_3' code, value ->> 'name' label, CAST(value ->> 'numeric' AS INTEGER) number
    FROM json_each(readfile('/usr/share/iso-codes/json/iso_4217.json'), '$."4217"'))
SELECT 'currencies-missing-or-different', count(*) FROM currency c LEFT JOIN moneys m USING (code)
WHERE m.label IS NOT c.label OR m.number IS NOT c.number;
SELECT 'rows-too-many',
    (SELECT count(*) FROM nations) + (SELECT count(*) FROM regions) + (SELECT count(*) FROM tongues)
    + (SELECT count(*) FROM moneys)
    - json_array_length(readfile('/usr/share/iso-codes/json/iso_3166-1.json'), '$."3166-1"')
    - json_array_length(readfile('/usr/share/iso-codes/json/iso_3166-2.json'), '$."3166-2"')
    - json_array_length(readfile('/usr/share/iso-codes/json/iso_639-3.json'), '$."639-3"')
    - json_array_length(readfile('/usr/share/iso-codes/json/iso_4217.json'), '$."4217"');
