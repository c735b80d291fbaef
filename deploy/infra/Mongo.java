import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.wire.message.MongoMessage;

/**
 * MongoDB's wire protocol over an H2 file, for machines without a mongod: {@code java -cp 'jars/*' Mongo.java PORT FILE}.
 * SIGTERM writes everything out; SIGKILL loses up to the last second.
 */
class Mongo {
    public static void main(String[] args) {
        var server = new MongoServer(new H2Backend(args[1]) {
            // One message at a time, as two clients that create one collection at once would break it.
            @Override
            public synchronized Document handleMessage(MongoMessage message) {
                return super.handleMessage(message);
            }
        });
        Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
        server.bind("127.0.0.1", Integer.parseInt(args[0]));
    }
}
