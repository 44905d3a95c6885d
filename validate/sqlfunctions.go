package validate

// sqlDefaultFunctions are functions that look at nothing but their arguments
// and the clock and change nothing: so not pg_read_file, pg_sleep, query_to_xml,
// set_config, nextval, load_extension or readfile. Those that make much of little
// in one step (repeat, lpad, format, generate_series, zeroblob) are left out too;
// the server's own limits stop the slower ways to fill its memory.
func sqlDefaultFunctions(dialect string) string {
	if dialect == "sqlite" {
		return sqliteFunctions
	}
	return postgresFunctions
}

// PostgreSQL 17, chapter 9. The last lines are what SQL's own spellings (EXTRACT,
// AT TIME ZONE, SIMILAR TO, CURRENT_DATE) turn into.
const postgresFunctions = `
count sum avg min max array_agg string_agg json_agg jsonb_agg json_object_agg jsonb_object_agg bool_and bool_or every
bit_and bit_or bit_xor any_value stddev stddev_pop stddev_samp variance var_pop var_samp corr covar_pop covar_samp
regr_slope regr_intercept regr_r2 regr_count percentile_cont percentile_disc mode
row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value
abs ceil ceiling floor round trunc sign sqrt cbrt exp ln log log10 mod power pow div gcd lcm degrees radians pi
sin cos tan asin acos atan atan2 width_bucket
greatest least coalesce nullif
lower upper initcap length char_length character_length octet_length bit_length trim btrim ltrim rtrim left right
substring substr position strpos overlay replace translate reverse split_part starts_with concat concat_ws
regexp_replace regexp_match regexp_matches regexp_split_to_array regexp_split_to_table regexp_count regexp_instr regexp_like regexp_substr
string_to_array string_to_table array_to_string chr ascii md5 sha224 sha256 sha384 sha512 encode decode to_hex quote_literal quote_ident quote_nullable
normalize is_normalized similar_to_escape like_escape unistr
to_char to_date to_number to_timestamp date_part date_trunc date_bin extract age now clock_timestamp statement_timestamp
transaction_timestamp timeofday make_date make_time make_timestamp make_timestamptz make_interval justify_days justify_hours
justify_interval isfinite overlaps timezone
array_length array_upper array_lower array_ndims array_position array_positions array_append array_prepend array_cat
array_remove array_replace cardinality unnest
to_json to_jsonb row_to_json array_to_json json_build_object jsonb_build_object json_build_array jsonb_build_array json_object jsonb_object
json_array_length jsonb_array_length json_each jsonb_each json_each_text jsonb_each_text json_array_elements
jsonb_array_elements json_array_elements_text jsonb_array_elements_text json_extract_path jsonb_extract_path
json_extract_path_text jsonb_extract_path_text json_object_keys jsonb_object_keys json_typeof jsonb_typeof
json_strip_nulls jsonb_strip_nulls jsonb_set jsonb_insert jsonb_pretty jsonb_path_exists jsonb_path_match jsonb_path_query
jsonb_path_query_array jsonb_path_query_first
to_tsvector to_tsquery plainto_tsquery phraseto_tsquery websearch_to_tsquery ts_rank ts_rank_cd ts_headline
gen_random_uuid num_nulls num_nonnulls pg_typeof host masklen network abbrev family
lower_inc upper_inc lower_inf upper_inf isempty range_merge
current_date current_time current_timestamp localtime localtimestamp
`

// SQLite 3.53, "Built-In Scalar SQL Functions", aggregates, date and time, JSON,
// mathematics and window functions. like, glob, regexp and match are what the
// operators call.
const sqliteFunctions = `
count sum total avg min max group_concat string_agg median percentile percentile_cont percentile_disc
row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value
abs round sign ceil ceiling floor trunc exp ln log log10 log2 mod pi pow power sqrt degrees radians
sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh
coalesce ifnull nullif iif if likely unlikely likelihood
lower upper length octet_length trim ltrim rtrim substr substring instr replace char unicode hex unhex quote concat concat_ws
soundex unistr unistr_quote typeof like glob regexp match bm25 highlight snippet
date time datetime julianday unixepoch strftime timediff
json jsonb json_array jsonb_array json_array_length json_error_position json_extract jsonb_extract json_insert jsonb_insert
json_object jsonb_object json_patch jsonb_patch json_pretty json_quote json_remove jsonb_remove json_replace jsonb_replace
json_set jsonb_set json_type json_valid json_group_array jsonb_group_array json_group_object jsonb_group_object
json_each json_tree jsonb_each jsonb_tree
`
