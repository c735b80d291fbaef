import de.bwaldvogel.mongo.MongoDatabase;
import de.bwaldvogel.mongo.backend.CollectionOptions;
import de.bwaldvogel.mongo.backend.CursorRegistry;
import de.bwaldvogel.mongo.backend.Index;
import de.bwaldvogel.mongo.backend.Missing;
import de.bwaldvogel.mongo.backend.QueryResult;
import de.bwaldvogel.mongo.backend.h2.H2Collection;
import de.bwaldvogel.mongo.bson.Document;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.h2.mvstore.MVMap;

/**
 * The library knows no indexes but unique ones, and asks those only for exactly their fields. Here whatever is asked of
 * the ids, or of the first field of an index, narrows the documents that a query is matched with, where that is strings.
 */
class IndexedCollection extends H2Collection {
    private final MVMap<Object, Document> documents;
    private final Map<String, FieldIndex> fields = new HashMap<>();
    private Document match = new Document();

    IndexedCollection(MongoDatabase database, String name, CollectionOptions options, MVMap<Object, Document> documents,
            MVMap<String, Object> meta, CursorRegistry cursors) {
        super(database, name, options, documents, meta, cursors);
        this.documents = documents;
    }

    /** What the next {@link #queryAllAsStream} is narrowed to. */
    void askOnlyFor(Document query) {
        match = query;
    }

    @Override
    public synchronized Stream<Document> queryAllAsStream() {
        var query = match;
        match = new Document();
        return StreamSupport.stream(queryDocuments(query, null, 0, 0, 0, null).spliterator(), false);
    }

    @Override
    public synchronized void addIndex(Index<Object> index) {
        super.addIndex(index);
        if (firstField(index).equals(idField())) return;
        fields.computeIfAbsent(firstField(index), field -> {
            var made = new FieldIndex(field, documents.getKeyType());
            documents.forEach((key, document) -> made.change(key, Set.of(), made.stringsOf(document)));
            return made;
        });
    }

    @Override
    public synchronized void dropIndex(String name) {
        super.dropIndex(name);
        fields.keySet().retainAll(getIndexes().stream().map(IndexedCollection::firstField).toList());
    }

    private static String firstField(Index<Object> index) {
        return index.getKeys().get(0).getKey();
    }

    @Override
    protected Object addDocumentInternal(Document document) {
        var key = super.addDocumentInternal(document);
        reindex(key, null, document);
        return key;
    }

    @Override
    protected void handleUpdate(Object key, Document before, Document after) {
        super.handleUpdate(key, before, after);
        reindex(key, before, after);
    }

    @Override
    protected void removeDocument(Object key) {
        reindex(key, getDocument(key), null);
        super.removeDocument(key);
    }

    private void reindex(Object key, Document before, Document after) {
        for (var index : fields.values())
            index.change(Missing.ofNullable(key), index.stringsOf(before), index.stringsOf(after));
    }

    /** Also updates, removals and counts come through here. */
    @Override
    protected QueryResult queryDocuments(Document query, Document order, int skip, int limit, int batch, Document shown) {
        var sorted = order == null ? Set.<String>of() : order.keySet();
        var isByKey = sorted.equals(Set.of(idField())) && order.get(idField()) instanceof Number && allKeysAreStrings();
        var best = sorted.contains("$natural") || getIndexes().stream().anyMatch(index -> index.canHandle(query)) ? null
                : fewest(query, isByKey ? new KeyRange(documents, null, null) : null);
        if (best == null) return super.queryDocuments(query, order, skip, limit, batch, shown);
        // What comes in the order that is asked for need not be sorted, so a limit ends the walk.
        var found = best.documents(isByKey && ((Number) order.get(idField())).intValue() < 0);
        return matchDocumentsFromStream(found, query, isByKey ? null : order, skip, limit, batch, shown);
    }

    private String idField() {
        return Objects.requireNonNullElse(getIdField(), "");
    }

    /** The map sorts keys by type first, so that its ends tell. */
    private boolean allKeysAreStrings() {
        return documents.firstKey() instanceof String && documents.lastKey() instanceof String;
    }

    private Candidates fewest(Document query, Candidates best) {
        for (var asked : query.entrySet()) {
            var strings = Strings.askedFor(asked.getValue());
            var found = strings == null ? null : candidates(asked.getKey(), strings);
            if (found != null && (best == null || found.size() < best.size())) best = found;
        }
        return best;
    }

    private Candidates candidates(String field, Strings asked) {
        if (field.equals(idField()))
            return asked.each() == null ? new KeyRange(documents, asked.from(), asked.to())
                    : new Keys(documents, List.of(new TreeSet<Object>(asked.each())));
        var index = fields.get(field);
        if (index == null) return null;
        var found = new Keys(documents, index.keysOf(asked));
        // Gathering most documents one by one takes longer than walking over all.
        return found.size() > documents.sizeAsLong() / 2 ? null : found;
    }
}
