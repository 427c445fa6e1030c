"""Other tools' extension points, served with the compiler."""
