/** A client's connection to some gateway. */
export interface Connection {
  connectionId: string;
  userId: string;
}

/**
 * Who is there: a user is online while one connection's lease lives. Each change is answered by one call on one node
 * alone. What is away throws.
 */
export interface Presence {
  /** Gives or prolongs leases; answers who came online by it. */
  renew(connections: Connection[]): Promise<string[]>;
  /** Ends a lease; true where its user went offline by it. */
  end(connection: Connection): Promise<boolean>;
  /** Ends leases that were not renewed; answers who went offline by it. */
  reap(): Promise<string[]>;
  /** Which of these users are online. */
  online(userIds: string[]): Promise<Set<string>>;
  close(): Promise<void>;
}
