import de.bwaldvogel.mongo.bson.Document;
import java.util.Collection;
import java.util.Collections;
import java.util.Set;
import java.util.stream.Collectors;

/** What a query asks of one field: one of these strings or, where there are none, one from here to there; null is no end. */
record Strings(Set<String> each, String from, String to) {
    /** Null where it asks for anything but strings. Bounds may be excluded: whatever is found is matched again. */
    static Strings askedFor(Object condition) {
        if (condition instanceof String one) return new Strings(Set.of(one), null, null);
        if (!(condition instanceof Document asked) || asked.isEmpty()) return null;
        Set<String> each = null;
        String from = "", to = null;
        for (var entry : asked.entrySet()) {
            var values = entry.getKey().equals("$in") ? entry.getValue() : Collections.singletonList(entry.getValue());
            if (!(values instanceof Collection<?> all) || !all.stream().allMatch(String.class::isInstance)) return null;
            var strings = all.stream().map(String.class::cast).collect(Collectors.toSet());
            switch (entry.getKey()) {
                case "$eq", "$in" -> each = strings;
                case "$gt", "$gte" -> from = strings.iterator().next();
                case "$lt", "$lte" -> to = strings.iterator().next();
                default -> { return null; }
            }
        }
        return new Strings(each == null && to != null && from.compareTo(to) > 0 ? Set.of() : each, from, to);
    }
}
