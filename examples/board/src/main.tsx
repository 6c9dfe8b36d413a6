import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { BrowserRouter } from 'react-router';
import { App } from './App';
import { SessionProvider } from './state/session';
import { TasksProvider } from './state/tasks';
import './board.css';

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <BrowserRouter>
      <SessionProvider>
        <TasksProvider>
          <App />
        </TasksProvider>
      </SessionProvider>
    </BrowserRouter>
  </StrictMode>,
);
