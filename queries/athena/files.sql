-- The files of a table and their sizes. Tables of JSON and CSV are read whole for it, of Parquet and ORC only in part.
SELECT DISTINCT "$path", "$file_size", "$file_modified_time"
FROM {table}
