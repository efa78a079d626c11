import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  // The API must know the origin (RETURN_ORIGINS), so another port is no help.
  server: { port: 5173, strictPort: true },
});
