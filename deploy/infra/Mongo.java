import de.bwaldvogel.mongo.MongoCollection;
import de.bwaldvogel.mongo.MongoDatabase;
import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.backend.CollectionOptions;
import de.bwaldvogel.mongo.backend.DatabaseResolver;
import de.bwaldvogel.mongo.backend.EmptyIndex;
import de.bwaldvogel.mongo.backend.Index;
import de.bwaldvogel.mongo.backend.IndexKey;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.backend.h2.H2Database;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.oplog.Oplog;
import de.bwaldvogel.mongo.wire.message.MongoMessage;
import io.netty.channel.Channel;
import java.util.List;
import org.h2.mvstore.MVMap;

/**
 * MongoDB's wire protocol over an H2 file, for machines without a mongod: {@code java -cp 'jars/*:classes' Mongo PORT FILE}.
 * SIGTERM writes everything out; SIGKILL loses up to the last second.
 */
class Mongo {
    public static void main(String[] args) {
        var server = new MongoServer(new Backend(args[1]));
        Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
        server.bind("127.0.0.1", Integer.parseInt(args[0]));
    }
}

class Backend extends H2Backend {
    Backend(String file) {
        super(file);
    }

    // One message at a time, as two clients that create one collection at once would break it. The answer is a copy, as it
    // is encoded later, when the next message may change the document.
    @Override
    public synchronized Document handleMessage(MongoMessage message) {
        var answer = super.handleMessage(message);
        return answer == null ? null : answer.cloneDeeply();
    }

    @Override
    protected MongoDatabase openOrCreateDatabase(String name) {
        return new Database(name);
    }

    /** An inner class, because its own fields would not be there yet when the constructor above opens collections. */
    private class Database extends H2Database {
        Database(String name) {
            super(name, Backend.this.getMvStore(), Backend.this.getCursorRegistry());
        }

        @Override
        protected MongoCollection<Object> openOrCreateCollection(String name, CollectionOptions options) {
            var fullName = getFullCollectionNamespace(name);
            MVMap<Object, Document> documents = getMvStore().openMap("databases." + fullName);
            MVMap<String, Object> meta = getMvStore().openMap("meta." + fullName);
            return new IndexedCollection(this, name, options, documents, meta, cursorRegistry);
        }

        @Override
        protected Index<Object> openOrCreateSecondaryIndex(String collection, String name, List<IndexKey> keys, boolean sparse) {
            return new EmptyIndex<>(name, keys);
        }

        /** An aggregation, a driver's `countDocuments` too, is given all documents even where it begins with a `$match`. */
        @Override
        public Document handleCommand(Channel channel, String command, Document query, DatabaseResolver databases, Oplog oplog) {
            if (!command.equals("aggregate") || !(query.get("pipeline") instanceof List<?> stages) || stages.isEmpty()
                    || !(stages.get(0) instanceof Document first) || !(first.get("$match") instanceof Document match)
                    || !(query.get(command) instanceof String name)
                    || !(resolveCollection(name, false) instanceof IndexedCollection collection))
                return super.handleCommand(channel, command, query, databases, oplog);
            collection.askOnlyFor(match);
            try {
                return super.handleCommand(channel, command, query, databases, oplog);
            } finally {
                collection.askOnlyFor(new Document());
            }
        }
    }
}
