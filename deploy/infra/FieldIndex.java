import de.bwaldvogel.mongo.bson.Document;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.NavigableMap;
import java.util.NavigableSet;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** The documents, by key, that have a string in a field, or in a list there. */
class FieldIndex {
    private final List<String> path;
    private final Comparator<Object> order;
    private final NavigableMap<String, NavigableSet<Object>> keys = new TreeMap<>();

    FieldIndex(String field, Comparator<Object> order) {
        this.path = List.of(field.split("\\."));
        this.order = order;
    }

    Collection<NavigableSet<Object>> keysOf(Strings asked) {
        if (asked.each() != null) return asked.each().stream().map(keys::get).filter(Objects::nonNull).toList();
        return (asked.to() == null ? keys.tailMap(asked.from(), true)
                : keys.subMap(asked.from(), true, asked.to(), true)).values();
    }

    void change(Object key, Set<String> before, Set<String> after) {
        for (var string : before)
            if (!after.contains(string))
                keys.computeIfPresent(string, (__, some) -> some.remove(key) && some.isEmpty() ? null : some);
        for (var string : after)
            if (!before.contains(string)) keys.computeIfAbsent(string, __ -> new TreeSet<>(order)).add(key);
    }

    Set<String> stringsOf(Document document) {
        var found = new HashSet<String>();
        collect(document, path, found);
        return found;
    }

    private static void collect(Object value, List<String> path, Set<String> found) {
        if (value instanceof List<?> list) {
            for (var element : list) collect(element, path, found);
            // `a.0` is also the first element of the list `a`.
            if (!path.isEmpty() && path.get(0).matches("\\d{1,9}") && Integer.parseInt(path.get(0)) < list.size())
                collect(list.get(Integer.parseInt(path.get(0))), path.subList(1, path.size()), found);
        } else if (path.isEmpty()) {
            if (value instanceof String string) found.add(string);
        } else if (value instanceof Document document) {
            collect(document.get(path.get(0)), path.subList(1, path.size()), found);
        }
    }
}
