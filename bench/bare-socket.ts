import { createServer } from "node:http";
import { Server } from "socket.io";

/** The yardstick: Socket.IO as it comes. Who sends is acknowledged, and all in the room get it. `bare-socket.ts PORT`. */
const [, , port = "0"] = process.argv;

const http = createServer((_, res) => res.end("ok"));
const io = new Server(http, { serveClient: false });
io.on("connection", (socket) => {
  const { rooms } = socket.handshake.auth as { rooms: string[] };
  void socket.join(rooms);
  socket.on("call", (_name: string, message: { conversationId: string }, callback: (error: null) => void) => {
    const { conversationId } = message;
    io.to(conversationId).emit("chat.message", { conversationId, message });
    callback(null);
  });
});
http.listen(Number(port));
