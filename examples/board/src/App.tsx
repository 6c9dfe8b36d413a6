import { Route, Routes } from 'react-router';
import { Layout } from './components/Layout';
import { Private } from './components/Private';
import { About } from './pages/About';
import { Board } from './pages/Board';
import { Login } from './pages/Login';
import { NewTask } from './pages/NewTask';
import { NotFound } from './pages/NotFound';
import { Settings } from './pages/Settings';
import { TaskDetails } from './pages/TaskDetails';

export function App() {
  return (
    <Routes>
      <Route element={<Layout />}>
        <Route index element={<Board />} />
        <Route path="tasks/new" element={<Private><NewTask /></Private>} />
        <Route path="tasks/:id" element={<TaskDetails />} />
        <Route path="settings" element={<Private><Settings /></Private>} />
        <Route path="login" element={<Login />} />
        <Route path="about" element={<About />} />
        <Route path="*" element={<NotFound />} />
      </Route>
    </Routes>
  );
}
