-- Countries, one JSON object a line, with their subdivisions as the rows of a child table.
.mode list
CREATE TEMP TABLE parts AS
    SELECT substr(value ->> 'code', 1, 2) country, value ->> 'code' code, value ->> 'name' name
    FROM json_each(readfile(:parts), '$."3166-2"');
CREATE INDEX temp.parts_by_country ON parts (country, code);
SELECT json_set(value, '$.subdivisions', json(coalesce((
    SELECT json_group_array(json_object('code', code, 'name', name)) FROM parts WHERE country = value ->> 'alpha_2'), '[]')))
FROM json_each(readfile(:countries), '$."3166-1"');
