import de.bwaldvogel.mongo.bson.Document;
import java.util.Collection;
import java.util.NavigableSet;
import java.util.Objects;
import java.util.Set;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.TreeSet;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.h2.mvstore.MVMap;

/** Documents, in the order of their keys, among which are all that a query is for. */
interface Candidates {
    long size();

    Stream<Document> documents(boolean descending);
}

record Keys(MVMap<Object, Document> all, Collection<? extends NavigableSet<Object>> sets) implements Candidates {
    @Override
    public long size() {
        return sets.stream().mapToLong(Set::size).sum();
    }

    @Override
    public Stream<Document> documents(boolean descending) {
        var keys = sets.size() == 1 ? sets.iterator().next() : new TreeSet<Object>(all.getKeyType());
        if (sets.size() > 1) sets.forEach(keys::addAll);
        return (descending ? keys.descendingSet() : keys).stream().map(all::get).filter(Objects::nonNull);
    }
}

/** Both ends belong to it; null is no end. */
record KeyRange(MVMap<Object, Document> all, String from, String to) implements Candidates {
    @Override
    public long size() {
        var end = to == null ? all.sizeAsLong() : indexOf(to) + 1;
        return Math.max(0, end - (from == null ? 0 : indexOf(from)));
    }

    private long indexOf(String key) {
        var index = all.getKeyIndex(key);
        return index < 0 ? -index - 1 : index;
    }

    @Override
    public Stream<Document> documents(boolean descending) {
        var cursor = descending ? all.cursor(to, from, true) : all.cursor(from, to, false);
        var keys = Spliterators.spliteratorUnknownSize(cursor, Spliterator.ORDERED);
        return StreamSupport.stream(keys, false).map(key -> cursor.getValue());
    }
}
