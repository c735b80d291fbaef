import type { Filter, Operators } from "./collection";

type Condition = Filter[string];
type Query = Record<string, unknown>;

const isDefined = <V>(value: V | undefined): value is V => value !== undefined;

/** Without conditions that are undefined, at any depth; a query with optional parts reads better with them. */
export function cleanFilter(filter: Filter): Filter {
  const cleaned: Filter = {};
  for (const [key, condition] of Object.entries(filter)) {
    const kept = cleanCondition(condition);
    if (kept !== undefined) cleaned[key] = kept;
  }
  return cleaned;
}

function cleanCondition(condition: Condition): Condition {
  if (Array.isArray(condition)) return condition.length > 0 ? condition.map(cleanFilter) : undefined;
  if (typeof condition !== "object" || condition === null) return condition;
  const operators = Object.entries(condition).filter(([, value]) => isDefined(value));
  return operators.length > 0 ? (Object.fromEntries(operators) as Operators) : undefined;
}

/** The filter of a write. An undefined condition in it is refused: left out, the write would hit what it must not. */
export function writeFilter(filter: Filter): Filter {
  for (const [key, condition] of Object.entries(filter)) {
    const values = typeof condition === "object" && condition && !Array.isArray(condition) ? condition : { condition };
    if (!Object.values(values).every(isDefined)) throw new TypeError(`a write's condition is undefined: ${key}`);
  }
  return cleanFilter(filter);
}

const isMissingOrNull = (key: string): Query => ({ $or: [{ [key]: null }, { [key]: { $exists: false } }] });
const not = (query: Query): Query => ({ $not: query });

/**
 * A filter as NeDB must be asked to answer as MongoDB does: null also fits a missing field, and `$ne`, `$nin` and
 * `$exists` look at an array as a whole, where NeDB is content with one element.
 */
export function nedbQuery(filter: Filter): Query {
  const direct: Query = {};
  const further: Query[] = [];
  for (const [key, condition] of Object.entries(cleanFilter(filter))) {
    if (Array.isArray(condition)) {
      const parts = condition.map(nedbQuery);
      further.push(...(key === "$and" ? parts : [{ [key]: parts }]));
    } else if (condition === null) further.push(isMissingOrNull(key));
    else if (typeof condition !== "object") direct[key] = condition;
    else {
      const { asked, instead } = operators(key, condition);
      if (Object.keys(asked).length > 0) direct[key] = asked;
      further.push(...instead);
    }
  }
  // Of several indexes NeDB uses that of the condition named last, however many documents it leaves.
  const { _id, ...others } = direct;
  const query: Query = _id === undefined ? others : { ...others, _id };
  return further.length > 0 ? { $and: further, ...query } : query;
}

function operators(key: string, condition: Operators): { asked: Operators; instead: Query[] } {
  const { $ne, $nin, $in, $exists, ...asked } = condition as Operators;
  const instead: Query[] = [];
  const kept: Operators = asked;
  if ($ne !== undefined) instead.push(not(nedbQuery({ [key]: $ne })));
  if ($nin) instead.push(not(nedbQuery({ [key]: { $in: $nin } })));
  if ($in?.includes(null))
    instead.push({ $or: [isMissingOrNull(key), { [key]: { $in: $in.filter((v) => v !== null) } }] });
  else if ($in) kept.$in = $in;
  if ($exists) instead.push(not({ [key]: { $exists: false } }));
  else if ($exists === false) kept.$exists = false;
  return { asked: kept, instead };
}
