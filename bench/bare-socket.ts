import { createServer } from "node:http";
import { Server } from "socket.io";

/** The yardstick: Socket.IO as it comes. Who sends is acknowledged, and all in its room get it. `bare-socket.ts PORT`. */
const [, , port = "0"] = process.argv;

const http = createServer((_, res) => res.end("ok"));
const io = new Server(http, { serveClient: false });
io.on("connection", (socket) => {
  const { room } = socket.handshake.auth as { room?: string };
  if (room) void socket.join(room);
  socket.on("call", (_name: string, params: object, callback: (error: null, message: object) => void) => {
    if (room) io.to(room).emit("chat.message", { conversationId: room, message: params });
    callback(null, params);
  });
});
http.listen(Number(port));
