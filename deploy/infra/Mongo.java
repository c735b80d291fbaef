import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.backend.h2.H2Backend;

/**
 * MongoDB's wire protocol over an H2 file, for machines without a mongod: {@code java -cp 'jars/*' Mongo.java PORT FILE}.
 * SIGTERM writes everything out; SIGKILL loses up to the last second.
 */
class Mongo {
    public static void main(String[] args) {
        var server = new MongoServer(new H2Backend(args[1]));
        Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
        server.bind("127.0.0.1", Integer.parseInt(args[0]));
    }
}
